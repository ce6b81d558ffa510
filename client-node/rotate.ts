/** `concordat rotate`: replaces a site's key by a new one, which the old one vouches for; nobody else is touched. */

import { randomBytes } from 'node:crypto'
import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Command } from 'commander'
import { fromHex } from '../protocol/bytes.ts'
import { openIdentity } from '../protocol/crypto/node/identity.ts'
import { rotate } from '../protocol/enrolment/application.ts'
import { rosterChange, rosterWords, type SignedRoster } from '../protocol/enrolment/signed-roster.ts'
import { fingerprint } from '../protocol/enrolment/words.ts'
import { ProtocolError } from '../protocol/errors.ts'
import { readSiteConfig, type SiteConfig } from './config.ts'
import { ask } from './enrol-client.ts'
import { identityFile, openSiteIdentity } from './identity.ts'
import { proposal } from './roster-command.ts'
import { pin, pinnedRoster, propose } from './roster-files.ts'

interface Options {
  readonly config: string
  readonly wait: boolean
  readonly json?: true
}

export function rotateCommand(): Command {
  return new Command('rotate')
    .description("Replace this site's key: makes a new one, and uses it once the operator has approved it")
    .option('--config <file>', "the site's configuration", 'concordat-site/site.yaml')
    .option('--no-wait', 'apply and leave; run the same command again later')
    .option('--json', 'one JSON object a line')
    .action(run)
}

async function run(options: Options): Promise<void> {
  const config = await readSiteConfig({}, options.config)
  const coordinator = fromHex(config.coordinatorKey)
  const nextFile = join(config.folder, 'identity.next.key')
  const from = await openSiteIdentity(config.folder)
  const to = await openIdentity(nextFile)
  const words = fingerprint(to.publicKey)
  const body = await rotate(coordinator, config.name, { from, to })
  const askOnce = () => ask(new URL(config.coordinator), 'rotations', { body, coordinator })
  let answer = await askOnce()
  if (answer.status === 'pending') {
    if (options.json) console.log(JSON.stringify({ type: 'rotating', name: config.name, words }))
    else console.log(`A new key waits for approval. Read these words to the operator:\n    ${words}`)
  }
  for (let wait = 1_000; answer.status === 'pending' && options.wait; wait = Math.min(30_000, wait * 1.5)) {
    await delay(wait * (0.75 + randomBytes(1)[0] / 512))
    answer = await askOnce()
  }
  if (answer.status === 'refused')
    throw new ProtocolError('ERR_REFUSED', `the operator refused: ${answer.reason ?? 'no reason given'}`)
  if (answer.signed === undefined) return
  // The key first: with the new one and the old roster the site is turned away and told why; without its key it is lost.
  await rename(nextFile, identityFile(config.folder))
  await takeRoster(config, answer.signed, options)
}

/** A roster in which nothing but this site's own key has changed needs nobody's word. */
async function takeRoster(config: SiteConfig, roster: SignedRoster, { json }: Options): Promise<void> {
  const coordinator = fromHex(config.coordinatorKey)
  const pinned = await pinnedRoster(config.folder, coordinator)
  const change = rosterChange(pinned ?? { sites: [] }, roster)
  const mine = change.added.length + change.removed.length === 0 && change.rekeyed.join() === config.name
  if (mine) await pin(config.folder, roster)
  const waiting = mine ? undefined : await propose(config.folder, roster, coordinator)
  if (json)
    console.log(JSON.stringify({ type: 'rotated', roster: roster.version, words: rosterWords(roster), waiting }))
  else {
    console.log(`The new key is in use; the roster is now version ${roster.version}.`)
    for (const line of proposal(waiting)) console.log(line)
  }
}
