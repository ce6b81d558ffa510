/** What a site's agent is told: flags, or a YAML file of the same names. */

import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { parse as parseYaml } from 'yaml'
import * as z from 'zod'
import { InputError } from '../protocol/errors.ts'
import { check } from '../protocol/plan.ts'
import { budgetSchema } from '../protocol/privacy/ledger.ts'
import { identityHex } from '../protocol/roster.ts'
import { dataSchema, locatedFrom } from './data/index.ts'

const siteConfigSchema = z.strictObject({
  name: z.string().min(1),
  /** Where the coordinator listens. */
  coordinator: z.url({ protocol: /^https?$/, error: 'expected an address like https://coordinator.example:7443' }),
  /** The coordinator's Ed25519 key, told to the site over another channel. */
  coordinatorKey: identityHex,
  /** The roster file with every site's key. */
  roster: z.string().min(1),
  /** The site's records: a path, or a kind of source with its options. */
  data: dataSchema,
  /** A mapping file for a table that names or codes things its own way. */
  mapping: z.string().min(1).optional(),
  /** Where the agent keeps its key and what it must remember. */
  folder: z.string().min(1).default('concordat-site'),
  /** The name under which the ledger counts what these records lose; another name is another budget. */
  dataset: z.string().min(1).max(200).default('records'),
  /** The most these records may lose over all runs; releases beyond it are refused. */
  budget: budgetSchema.optional(),
  /** The site's policy; default `policy.yaml` in the folder. */
  policy: z.string().min(1).optional(),
  engine: z.enum(['auto', 'compiled', 'tfjs']).default('auto'),
  /** Leave when the first run has ended. */
  once: z.boolean().default(false),
})

export type SiteConfig = z.infer<typeof siteConfigSchema>

/** Flags win over the file. Paths in a file are relative to that file. @throws InputError ERR_CONFIG. */
export async function readSiteConfig(
  flags: Readonly<Record<string, unknown>>,
  file: string | undefined,
): Promise<SiteConfig> {
  const written = file === undefined ? {} : await readConfigFile(file)
  return check(siteConfigSchema, { ...written, ...flags }, [], 'ERR_CONFIG')
}

async function readConfigFile(file: string): Promise<Readonly<Record<string, unknown>>> {
  let value: unknown
  try {
    value = parseYaml(await readFile(file, 'utf8'))
  } catch (error) {
    throw new InputError('ERR_CONFIG', error instanceof Error ? error.message : String(error), file)
  }
  const written = check(z.record(z.string(), z.unknown()), value, [], 'ERR_CONFIG')
  const here = dirname(resolve(file))
  const paths = ['roster', 'mapping', 'folder', 'policy'].filter((key) => typeof written[key] === 'string')
  const located = Object.fromEntries(paths.map((key) => [key, resolve(here, String(written[key]))]))
  const data = dataSchema.safeParse(written.data)
  return { ...written, ...located, ...(data.success ? { data: locatedFrom(here, data.data) } : {}) }
}
