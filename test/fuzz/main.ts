/** `npm run fuzz -- --frames 1000000`: the long run over every decoder. The seed is printed, and gives the same frames again. */

import { Command } from 'commander'
import { Stream } from '../../protocol/stream.ts'
import { fuzz, shareOf } from './fuzz.ts'
import { targets } from './targets.ts'

const program = new Command('fuzz')
  .description('Feed mutated frames to every decoder; ends at the first that is neither taken nor refused')
  .option('--frames <number>', 'frames in all', '1000000')
  .option('--seed <text>', 'the same seed gives the same frames', 'fuzz')
  .option('--json', 'the last line is one JSON object')
  .action(({ frames, seed, json }: { readonly frames: string; readonly seed: string; readonly json?: true }) => {
    console.log(`seed ${seed}`)
    const tallies = targets.map((target) => {
      const { decoded, refused } = fuzz(
        target,
        shareOf(target, targets, Number(frames)),
        new Stream(`${seed}/${target.name}`),
      )
      console.log(`${target.name.padEnd(20)} ${decoded} decoded, ${refused} refused`)
      return { name: target.name, decoded, refused }
    })
    const total = tallies.reduce((sum, { decoded, refused }) => sum + decoded + refused, 0)
    console.log(`${total} frames: each gave a value or an error with a code`)
    if (json) console.log(JSON.stringify({ frames: total, targets: tallies }))
  })

program.parse()
