/** The operator's commands for people: `invite`, `sites`, `approve`, `refuse`, `revoke`, `token`, `tokens`. */

import { Command, InvalidArgumentError, Option } from 'commander'
import * as z from 'zod'
import { roleSchema } from '../../protocol/enrolment/entries.ts'
import { type Call, caller, readToken } from '../api-client.ts'

interface Options {
  readonly coordinator: string
  readonly tokenFile: string
  readonly json?: true
}

const command = (name: string, description: string): Command =>
  new Command(name)
    .description(description)
    .option('--coordinator <url>', 'where the coordinator listens', 'http://127.0.0.1:7443')
    .option('--token-file <file>', "the operator's token", 'concordat-coordinator/operator.token')
    .option('--json', 'one JSON object')

const inviteAnswer = z.object({ name: z.string(), link: z.string(), expires: z.number() })

export function inviteCommand(): Command {
  return command('invite', 'Make a link with which one site can apply, once')
    .argument('<name>', "the site's name in the roster")
    .option('--hours <number>', 'how long the link works', hours, 7 * 24)
    .option('--url <url>', 'the address at which the site reaches this coordinator (default: --coordinator)')
    .action(async (name: string, options: Options & { readonly hours: number; readonly url?: string }) => {
      const call = await calling(options)
      const body = { name, hours: options.hours, url: options.url ?? options.coordinator }
      const made = inviteAnswer.parse(await post(call, 'invites', body))
      if (options.json) return console.log(JSON.stringify(made))
      console.log(`A link for ${name}, good until ${day(made.expires)} and for one use. Send it to that site only:`)
      console.log(`\n  ${made.link}\n`)
      console.log(`At the site: npx concordat join 'LINK' --data FILE`)
    })
}

const overviewSchema = z.object({
  roster: z.object({
    version: z.number(),
    words: z.string(),
    sites: z.array(z.object({ name: z.string(), identity: z.string(), words: z.string() })),
  }),
  waiting: z.array(z.object({ name: z.string(), identity: z.string(), since: z.number(), kind: z.string() })),
  invites: z.array(z.object({ name: z.string(), expires: z.number(), used: z.boolean() })),
})

type Overview = z.infer<typeof overviewSchema>

export function sitesCommand(): Command {
  return command('sites', 'Show the roster, who waits for approval, and open invitations').action(
    async (options: Options) => {
      const call = await calling(options)
      show(overviewSchema.parse(await (await call('sites')).json()), options)
    },
  )
}

export function approveCommand(): Command {
  return command('approve', 'Let a waiting site, or its new key, into the roster')
    .argument('<name>', 'the site that waits')
    .requiredOption('--words <words>', 'the six words that the site read to you, over a channel you trust')
    .action(async (name: string, options: Options & { readonly words: string }) => {
      const call = await calling(options)
      show(overviewSchema.parse(await post(call, `sites/${name}/approve`, { words: options.words })), options)
    })
}

export function refuseCommand(): Command {
  return withReason('refuse', 'Turn a waiting site away', 'the site that waits')
}

export function revokeCommand(): Command {
  return withReason('revoke', 'Take a site out of the roster; the others keep their keys', 'the site')
}

const withReason = (act: 'refuse' | 'revoke', description: string, whom: string): Command =>
  command(act, description)
    .argument('<name>', whom)
    .option('--reason <text>', 'told to the site', 'no reason given')
    .action(async (name: string, options: Options & { readonly reason: string }) => {
      const call = await calling(options)
      show(overviewSchema.parse(await post(call, `sites/${name}/${act}`, { reason: options.reason })), options)
    })

const tokenAnswer = z.object({ token: z.string(), role: roleSchema, holder: z.string() })
const tokenList = z.array(
  z.object({ id: z.string(), role: roleSchema, holder: z.string(), expires: z.number(), revoked: z.boolean() }),
)

export function tokenCommand(): Command {
  return command('token', 'Issue a token to a person or program; it is shown once and kept only as a hash')
    .argument('<holder>', 'whose it is')
    .addOption(new Option('--role <role>', 'what it allows').choices(roleSchema.options).default('observer'))
    .option('--hours <number>', 'how long it works', hours, 90 * 24)
    .action(async (holder: string, options: Options & { readonly role: string; readonly hours: number }) => {
      const call = await calling(options)
      const made = tokenAnswer.parse(await post(call, 'tokens', { holder, role: options.role, hours: options.hours }))
      console.log(options.json ? JSON.stringify(made) : made.token)
    })
}

export function tokensCommand(): Command {
  return command('tokens', 'List the tokens issued, or revoke one')
    .option('--revoke <id>', 'the id of a token that shall no longer work')
    .action(async (options: Options & { readonly revoke?: string }) => {
      const call = await calling(options)
      if (options.revoke !== undefined) await call(`tokens/${options.revoke}`, { method: 'DELETE' })
      const tokens = tokenList.parse(await (await call('tokens')).json())
      if (options.json) return console.log(JSON.stringify({ tokens }))
      for (const { id, role, holder, expires, revoked } of tokens)
        console.log(`${id}  ${role.padEnd(8)}  ${holder.padEnd(24)}  ${revoked ? 'revoked' : `until ${day(expires)}`}`)
    })
}

function show({ roster, waiting, invites }: Overview, { json }: Options): void {
  if (json) {
    console.log(JSON.stringify({ roster, waiting, invites }))
    return
  }
  console.log(`roster version ${roster.version}${roster.version === 0 ? '' : `: ${roster.words}`}`)
  for (const { name, words } of roster.sites) console.log(`  ${name.padEnd(24)}  ${words}`)
  if (waiting.length > 0) console.log('waiting for "concordat approve NAME --words …":')
  for (const { name, kind, since } of waiting)
    console.log(`  ${name.padEnd(24)}  ${kind === 'new' ? 'new site' : 'new key'}, since ${day(since)}`)
  const open = invites.filter(({ used }) => !used)
  if (open.length > 0) console.log('invited:')
  for (const { name, expires } of open) console.log(`  ${name.padEnd(24)}  until ${day(expires)}`)
}

const calling = async ({ coordinator, tokenFile }: Options): Promise<Call> =>
  caller(coordinator, await readToken(tokenFile))

const post = async (call: Call, path: string, body: unknown): Promise<unknown> =>
  (
    await call(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  ).json()

const day = (instant: number): string => `${new Date(instant).toISOString().slice(0, 16).replace('T', ' ')} UTC`

function hours(text: string): number {
  const value = Number(text)
  if (!(value > 0 && value <= 24 * 366)) throw new InvalidArgumentError('expected hours, at most a year of them')
  return value
}
