/** What must hold at the end of a storm, read from the run's journal and from each site's own ledger. */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { csvFile } from '../../client-node/data/csv.ts'
import { routes } from '../../coordinator/api-routes.ts'
import type { Site } from '../../learning/algorithms/site.ts'
import { planMenus } from '../../learning/computation.ts'
import { chooseTrainer } from '../../learning/engine/choose.ts'
import { fromHex, utf8 } from '../../protocol/bytes.ts'
import { nodeProvider } from '../../protocol/crypto/node/provider.ts'
import { decodeLog } from '../../protocol/journal/codec.ts'
import { verifyJournal } from '../../protocol/journal/verify.ts'
import { type Plan, parsePlanFile } from '../../protocol/plan.ts'
import type { ProcessFederation } from '../../simulations/demo/processes.ts'
import { replay } from './replay.ts'

export interface SiteFile {
  readonly name: string
  readonly data: string
}

interface Ended {
  readonly files: readonly SiteFile[]
  readonly processes: ProcessFederation
}

export async function verdicts(folder: string, planText: string, { files, processes }: Ended) {
  const { plan } = parsePlanFile(planText, planMenus)
  const token = (await readFile(join(folder, 'coordinator', 'operator.token'), 'utf8')).trim()
  const headers = { authorization: `Bearer ${token}` }
  const answer = await fetch(`${processes.url}/api/runs`, { headers })
  const list = routes.listRuns.answer.schema.parse(await answer.json())
  const text = await (await fetch(`${processes.url}/api/runs/${list[0].id}/journal`, { headers })).text()
  const { entries } = decodeLog(utf8(text))
  const keys = { coordinator: fromHex(processes.coordinatorKey), verify: nodeProvider.ed25519Verify }
  const said = entries.map(({ entry }) => entry)
  const rounds = said.filter((entry) => entry.type === 'round')
  const returns = rounds.flatMap(({ participants }, i) =>
    i === 0 ? [] : participants.filter((name) => !rounds[i - 1].participants.includes(name)),
  )
  return {
    committed: rounds.length,
    aborted: said.filter((entry) => entry.type === 'abort').length,
    journal: (await verifyJournal(entries, keys)).ok ? ('holds' as const) : ('broken' as const),
    replayed: await replay(plan, await sitesOf(files, plan), said),
    returns: returns.length,
    declined: said.filter((entry) => entry.type === 'refusal').length,
    ...(await answersOf(folder, files)),
  }
}

const sitesOf = (files: readonly SiteFile[], plan: Plan): Promise<Site[]> =>
  Promise.all(
    files.map(async ({ name, data }) => {
      const { table } = await csvFile(data).table({ schema: plan.data })
      return { name, table, trainer: chooseTrainer() }
    }),
  )

/** Each site's own ledger has a line for whatever left it: an attempt that stands there twice was answered twice. */
async function answersOf(folder: string, files: readonly SiteFile[]) {
  let [answers, answeredTwice] = [0, 0]
  for (const { name } of files) {
    const ledger = await readFile(join(folder, name, 'ledger.jsonl'), 'utf8')
    const attempts = [...ledger.matchAll(/"attempt":(\d+)/g)].map(([, attempt]) => attempt)
    answers += attempts.length
    answeredTwice += attempts.length - new Set(attempts).size
  }
  return { answers, answeredTwice }
}
