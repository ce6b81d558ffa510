/** `npm run chaos`: the long storm; its figures as JSON, exit code 1 where one of its promises does not hold. */

import { Command, InvalidArgumentError } from 'commander'
import { chaos } from './chaos.ts'

const number = (text: string): number => {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('expected a whole number from 1')
  return value
}

const program = new Command('chaos')
  .description('A federation of processes in which something fails every round')
  .option('--rounds <number>', 'training rounds', number, 200)
  .option('--sites <number>', 'sites', number, 8)
  .option('--seed <number>', 'draws the faults', number, 1)
  .action(async (options: { readonly rounds: number; readonly sites: number; readonly seed: number }) => {
    const result = await chaos({ ...options, progress: (line) => console.error(line) })
    console.log(JSON.stringify(result, null, 2))
    const expected = options.rounds + 2
    const holds =
      result.committed === expected &&
      result.replayed === expected &&
      result.journal === 'holds' &&
      result.answeredTwice === 0 &&
      result.declined === 0
    process.exitCode = holds ? 0 : 1
  })

await program.parseAsync()
