#!/usr/bin/env node
/** The command `concordat`: a menu from a command's name to the shell that runs it, and the meaning of exit codes. */

import { Command, CommanderError } from 'commander'
import { InputError, ProtocolError } from './protocol/errors.ts'
import { release } from './protocol/release.ts'

/** 0 done; 1 our own fault; 2 bad input or usage; 3 the other party refused, is unreachable or broke the rules; 130 interrupted. */
const exitCodes = { done: 0, bug: 1, input: 2, peer: 3 } as const

/** Each command's shell is loaded only when it is asked for: `concordat --help` starts in a tenth of a second. */
const menu: Readonly<Record<string, () => Promise<Command>>> = {
  coordinator: async () => (await import('./coordinator/main.ts')).coordinatorCommand(),
  run: async () => (await import('./coordinator/submit.ts')).runCommand(),
  sign: async () => (await import('./coordinator/sign.ts')).signCommand(),
  runs: async () => (await import('./coordinator/runs-command.ts')).runsCommand(),
  site: async () => (await import('./client-node/main.ts')).siteCommand(),
  policy: async () => (await import('./client-node/policy.ts')).policyCommand(),
  audit: async () => {
    const [{ auditCommand }, { verifyCommand }] = await Promise.all([
      import('./coordinator/audit-command.ts'),
      import('./client-node/audit.ts'),
    ])
    return auditCommand().addCommand(verifyCommand().exitOverride())
  },
  withdraw: async () => (await import('./client-node/withdraw.ts')).withdrawCommand(),
  'self-test': async () => (await import('./client-node/self-test.ts')).selfTestCommand(),
  card: async () => (await import('./client-node/card.ts')).cardCommand(),
  receipts: async () => (await import('./client-node/receipts.ts')).receiptsCommand(),
  review: async () => (await import('./client-node/review.ts')).reviewCommand(),
  predict: async () => (await import('./client-node/predict.ts')).predictCommand(),
  join: async () => (await import('./client-node/join.ts')).joinCommand(),
  roster: async () => (await import('./client-node/roster-command.ts')).rosterCommand(),
  rotate: async () => (await import('./client-node/rotate.ts')).rotateCommand(),
  export: async () => (await import('./client-node/interchange.ts')).exportCommand(),
  import: async () => (await import('./client-node/interchange.ts')).importCommand(),
  keygen: async () => (await import('./client-node/keygen.ts')).keygenCommand(),
  ledger: async () => (await import('./client-node/ledger.ts')).ledgerCommand(),
  invite: async () => (await import('./coordinator/enrolment/commands.ts')).inviteCommand(),
  sites: async () => (await import('./coordinator/enrolment/commands.ts')).sitesCommand(),
  approve: async () => (await import('./coordinator/enrolment/commands.ts')).approveCommand(),
  refuse: async () => (await import('./coordinator/enrolment/commands.ts')).refuseCommand(),
  revoke: async () => (await import('./coordinator/enrolment/commands.ts')).revokeCommand(),
  token: async () => (await import('./coordinator/enrolment/commands.ts')).tokenCommand(),
  tokens: async () => (await import('./coordinator/enrolment/commands.ts')).tokensCommand(),
  curves: async () => (await import('./coordinator/curves/command.ts')).curvesCommand(),
  backup: async () => (await import('./coordinator/operations/backup.ts')).backupCommand(),
  restore: async () => (await import('./coordinator/operations/backup.ts')).restoreCommand(),
  epsilon: async () => (await import('./simulations/privacy.ts')).epsilonCommand(),
  noise: async () => (await import('./simulations/privacy.ts')).noiseCommand(),
  demo: async () => (await import('./simulations/demo/main.ts')).demoCommand(),
  simulate: async () => (await import('./simulations/main.ts')).simulateCommand(),
}

async function main(arguments_: readonly string[]): Promise<number> {
  const program = new Command('concordat')
    .description('Federated, privacy-preserving training and analysis: the coordinator learns only the sum.')
    .version(release)
    // A command's options stand behind its name, so that "audit" and "audit verify" may both have some of the same name.
    .enablePositionalOptions()
    .exitOverride()
  const wanted = arguments_.find((argument) => !argument.startsWith('-'))
  const known = wanted !== undefined && Object.hasOwn(menu, wanted) ? [wanted] : Object.keys(menu)
  for (const name of known) program.addCommand((await menu[name]()).exitOverride())
  try {
    await program.parseAsync(arguments_, { from: 'user' })
    return Number(process.exitCode ?? exitCodes.done)
  } catch (error) {
    return explain(error, arguments_.includes('--json'))
  }
}

function explain(error: unknown, json: boolean): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.input
  if (error instanceof InputError || error instanceof ProtocolError) {
    if (json) console.log(JSON.stringify({ error: { code: error.code, message: error.message } }))
    console.error(`concordat: ${error.code}\n${error.message.replace(/^/gm, '  ')}`)
    return error instanceof InputError ? exitCodes.input : exitCodes.peer
  }
  console.error('concordat: this is our fault, please report it with the lines below')
  console.error(error)
  return exitCodes.bug
}

process.exitCode = await main(process.argv.slice(2))
