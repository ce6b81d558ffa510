/** `concordat join LINK`: makes a site's key, looks whether everything it needs is there, and applies for the roster. */

import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Command } from 'commander'
import { stringify } from 'yaml'
import { planMenus } from '../learning/computation.ts'
import { toHex } from '../protocol/bytes.ts'
import { nodeProvider } from '../protocol/crypto/node/provider.ts'
import { apply } from '../protocol/enrolment/application.ts'
import { type Invite, parseInviteLink } from '../protocol/enrolment/invite.ts'
import { rosterWords } from '../protocol/enrolment/signed-roster.ts'
import { fingerprint } from '../protocol/enrolment/words.ts'
import { InputError, ProtocolError } from '../protocol/errors.ts'
import { parsePlanFile } from '../protocol/plan.ts'
import type { Identity } from '../protocol/wire/handshake.ts'
import { openSource } from './data/index.ts'
import { type Answer, ask } from './enrol-client.ts'
import { openSiteIdentity } from './identity.ts'
import { type Finding, preflight } from './preflight.ts'
import { pin, pinnedRosterFile } from './roster-files.ts'

interface Options {
  readonly data?: string
  readonly folder: string
  readonly wait: boolean
  readonly json?: true
}

export function joinCommand(): Command {
  return new Command('join')
    .description('Enter a federation with an invitation: make a key here, check this machine, wait for approval')
    .argument('<link>', 'the invitation, in quotes; it works once')
    .option('--data <file>', "the site's records, to be checked against the plans that wait")
    .option('--folder <folder>', 'where the agent keeps its key and files', 'concordat-site')
    .option('--no-wait', 'apply and leave; run the same command again later')
    .option('--json', 'one JSON object a line')
    .action(run)
}

async function run(link: string, options: Options): Promise<void> {
  const invite = parseInviteLink(link)
  const say = (
    event: { readonly type: string; readonly [key: string]: unknown },
    ...lines: readonly string[]
  ): void => {
    if (options.json) console.log(JSON.stringify(event))
    else for (const line of lines) console.log(line)
  }
  const identity = await openSiteIdentity(options.folder)
  const findings = await lookAround(invite, identity, options.folder)
  for (const finding of findings)
    say({ type: 'preflight', ...finding }, `${mark[finding.verdict]} ${finding.check.padEnd(6)} ${finding.detail}`)
  if (findings.some(({ verdict }) => verdict === 'failed'))
    throw new InputError(
      'ERR_PREFLIGHT',
      'this site is not ready; mend what is marked above, then run the command again',
    )
  const application = await apply(nodeProvider, invite, identity)
  const words = fingerprint(identity.publicKey)
  const url = new URL(invite.url)
  let answer = await ask(url, 'applications', { body: application, coordinator: invite.coordinator })
  if (answer.status === 'pending')
    say(
      { type: 'applied', name: invite.name, words },
      '',
      `Applied as ${invite.name}. Read these words to the operator:`,
      `    ${words}`,
    )
  for (const problem of await fitsPlans(answer, options.data)) say({ type: 'data', problem }, `the file: ${problem}`)
  for (let wait = 1_000; answer.status === 'pending' && options.wait; wait = Math.min(30_000, wait * 1.5)) {
    await delay(wait * (0.75 + randomBytes(1)[0] / 512))
    answer = await ask(url, 'applications', { body: application, coordinator: invite.coordinator })
  }
  if (answer.status === 'refused')
    throw new ProtocolError('ERR_REFUSED', `the operator refused: ${answer.reason ?? 'no reason given'}`)
  if (answer.signed === undefined) return
  await pin(options.folder, answer.signed)
  const config = join(options.folder, 'site.yaml')
  await writeFile(config, configText(invite, options), { mode: 0o600 })
  const sites = answer.signed.sites.map(({ name }) => name)
  say(
    {
      type: 'approved',
      name: invite.name,
      roster: answer.signed.version,
      sites,
      words: rosterWords(answer.signed),
      config,
    },
    '',
    `Approved. The roster, version ${answer.signed.version}: ${sites.join(', ')}.`,
    `Compare its words with another site, by telephone: ${rosterWords(answer.signed)}`,
    `Start the agent with: npx concordat site --config ${config}`,
  )
}

const mark: Readonly<Record<Finding['verdict'], string>> = { ok: 'ok     ', warning: 'warning', failed: 'FAILED ' }

const lookAround = (invite: Invite, identity: Identity, folder: string): Promise<readonly Finding[]> =>
  preflight({
    url: new URL(invite.url),
    coordinator: invite.coordinator,
    identity,
    folder,
    random: { bytes: (length) => new Uint8Array(randomBytes(length)) },
    now: Date.now,
  })

/** Reads the file as each plan that waits would have it read. What does not fit is told here and nowhere else. */
async function fitsPlans({ plans }: Answer, data: string | undefined): Promise<readonly string[]> {
  if (data === undefined) return []
  const checks = plans.map(async (text) => {
    const { plan } = parsePlanFile(text, planMenus)
    try {
      const { summary } = await (await openSource(data)).table({ schema: plan.data })
      return `fits the plan ${plan.name}: ${summary.rows} rows`
    } catch (error) {
      if (!(error instanceof InputError)) throw error
      return `does not fit the plan ${plan.name}: ${error.code} ${error.message}`
    }
  })
  return Promise.all(checks)
}

const configText = (invite: Invite, { data, folder }: Options): string =>
  stringify({
    name: invite.name,
    coordinator: invite.url,
    coordinatorKey: toHex(invite.coordinator),
    roster: resolve(pinnedRosterFile(folder)),
    folder: resolve(folder),
    ...(data === undefined ? {} : { data: resolve(data) }),
  })
