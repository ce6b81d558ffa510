/** The policy on disk: written with its defaults and an explanation on first start, confirmed by a person, read every time. */

import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { parseDocument } from 'yaml'
import { InputError } from '../protocol/errors.ts'
import { type Policy, parsePolicy } from '../protocol/participant/policy.ts'

/** Every key with its default; a test holds it to the schema's defaults. */
export const policyText = `# What this site allows. Read it, change it, then run: concordat policy confirm
# Until somebody has, this site takes part in nothing. The file is read again for every plan and every round.
concordat: 1
confirmed: false

# Last day on which this policy holds, like 2027-12-31; null for no end.
expires: null

# Who lets in a plan that the rest of this file allows:
#   person     somebody looks at every new plan (concordat review)
#   repeats    nobody looks again at one that differs from an approved plan only in name, text or seed
#   automatic  nobody looks
approval: person

# Disclosure settings; the defaults are DataSHIELD's where it has one (its name in brackets).
minimumRows: 3            # rows this site must have [nfilter.subset]
minimumSites: 3           # sites in any sum, without those assumed to collude with the coordinator
minimumCell: 3            # smallest count in a table of statistics [nfilter.tab]
smallCells: suppress      # a smaller count leaves as 0 (suppress), or the round is refused (refuse)
maximumCategories: 40     # categories of a column [nfilter.levels.max]
categoriesPerRow: 0.33    # categories of a column a row of this site [nfilter.levels.density]
parametersPerRow: 0.33    # parameters of a model a row of this site [nfilter.glm]; neural networks need null

privacy:
  unprotected: false      # true allows plans without noise: nothing then bounds what a result tells of a person
  mechanisms: any         # or a list: [dp-sgd, discrete-gaussian]
  epsilon: 10             # the most that the rounds of one run may cost a person ...
  delta: 1.0e-5           # ... at this chance that the bound does not hold

algorithms: any           # or a list: [statistics, fed-avg]
models: any               # or a list: [logistic]
columns: any              # or a list of the plan's columns, the label's too: [age, sex, disease]
authors: any              # or a list of keys that must have signed the plan: [{ name: Dr A, identity: "64 hex digits" }]

# When rounds may run, in local time: { days: [mon, tue, wed, thu, fri], from: "19:00", to: "24:00" }; null for always.
hours: null
`

/** @throws InputError ERR_POLICY_MISSING, ERR_POLICY: a file that cannot be read allows nothing. */
export async function readPolicy(path: string): Promise<Policy> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    const absent = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    const reason = error instanceof Error ? error.message : String(error)
    throw new InputError('ERR_POLICY_MISSING', absent ? 'there is no policy' : `cannot be read: ${reason}`, path)
  })
  try {
    return parsePolicy(parsed(text, path).toJS())
  } catch (error) {
    if (error instanceof InputError) throw new InputError(error.code, error.message, path)
    throw error
  }
}

/** @returns whether the file was made just now; an existing one is left as it is. */
export async function writePolicy(path: string): Promise<boolean> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  try {
    await writeFile(path, policyText, { flag: 'wx', mode: 0o600 })
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
}

/** Sets `confirmed: true` and leaves every comment where it is. @throws InputError ERR_POLICY where the rest does not hold. */
export async function confirmPolicy(path: string): Promise<Policy> {
  await readPolicy(path)
  const document = parsed(await readFile(path, 'utf8'), path)
  document.set('confirmed', true)
  await writeFile(path, document.toString({ lineWidth: 0 }), { mode: 0o600 })
  return readPolicy(path)
}

function parsed(text: string, path: string): ReturnType<typeof parseDocument> {
  const document = parseDocument(text)
  const [fault] = document.errors
  if (fault !== undefined) throw new InputError('ERR_POLICY', `not YAML: ${fault.message.split('\n')[0]}`, path)
  return document
}
