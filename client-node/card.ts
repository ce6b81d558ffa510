/** `concordat card`: the card of a run this site took part in, from its own copy of the journal, as Markdown, HTML and JSON. */

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Command } from 'commander'
import { audit } from '../learning/audit.ts'
import { html } from '../learning/card/html.ts'
import { markdown } from '../learning/card/markdown.ts'
import { modelCard } from '../learning/card/model-card.ts'
import { nodeProvider } from '../protocol/crypto/node/provider.ts'
import { ProtocolError } from '../protocol/errors.ts'
import { findRun, type KeptRun } from './record-book.ts'

interface Options {
  readonly folder: string
  readonly out?: string
  readonly json?: true
}

export function cardCommand(): Command {
  return new Command('card')
    .description('Write the model card of a run: data, sites, rounds, privacy, figures with intervals, intended use')
    .argument('[run]', "the run's session, or its plan's name; default: the last run")
    .option('--folder <folder>', "the agent's folder", 'concordat-site')
    .option('--out <folder>', "where the card goes (default: the run's folder)")
    .option('--json', 'one JSON object')
    .action(async (wanted: string | undefined, { folder, out, json }: Options) => {
      const run = await findRun(folder, wanted)
      const paths = await writeCard(run, out ?? join(folder, 'runs', run.session))
      if (json) console.log(JSON.stringify({ session: run.session, card: paths }))
      else for (const path of paths) console.log(path)
    })
}

/** Replays the run first: a card says only what the journal proves. @throws ProtocolError ERR_AUDIT where it does not hold. */
export async function writeCard(run: KeptRun, folder: string): Promise<readonly string[]> {
  const { plan, entries, coordinator, roster, sum } = run
  const replayed = await audit({ plan, entries, keys: { coordinator, roster }, provider: nodeProvider, sum })
  if (!replayed.ok)
    throw new ProtocolError('ERR_AUDIT', `no card: entry ${replayed.index} does not hold: ${replayed.reason}`)
  const card = modelCard({ plan, entries, replayed })
  const forms = { md: markdown(card), html: html(card), json: `${JSON.stringify(card, null, 2)}\n` }
  await mkdir(folder, { recursive: true, mode: 0o700 })
  return Promise.all(
    Object.entries(forms).map(async ([ending, text]) => {
      const path = join(folder, `card.${ending}`)
      await writeFile(path, text)
      return path
    }),
  )
}
