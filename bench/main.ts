/** `npm run bench -- NAME`: measures, prints a table, and with `--json` one object as the last line. */

import { availableParallelism, cpus } from 'node:os'
import { Argument, Command } from 'commander'
import { benches } from './index.ts'
import type { BenchResult } from './result.ts'

const program = new Command('bench')
  .description('Measures speed and memory on this machine; medians of several runs')
  .addArgument(new Argument('<name>', 'what to measure').choices(Object.keys(benches)))
  .option('--quick', 'a short run, for trying the bench itself')
  .option('--json', 'the last line is one JSON object')
  .action(async (name: string, { quick, json }: { readonly quick?: true; readonly json?: true }) => {
    const results = await benches[name]({ quick: quick === true, progress: (line) => console.error(line) })
    console.log(`${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} cores, Node ${process.version}`)
    console.log(tableOf(results))
    if (json) console.log(JSON.stringify({ bench: name, results }))
  })

function tableOf(results: readonly BenchResult[]): string {
  const width = Math.max(...results.map(({ name }) => name.length))
  return results
    .map(({ name, value, unit, reference, ratio }) => {
      const compared =
        reference === null || ratio === null ? '' : `   reference ${number(reference)}   ratio ${number(ratio)}`
      return `${name.padEnd(width)}   ${number(value).padStart(10)} ${unit}${compared}`
    })
    .join('\n')
}

const number = (value: number): string => (Math.abs(value) >= 1000 ? value.toFixed(0) : value.toPrecision(4))

await program.parseAsync()
