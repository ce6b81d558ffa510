/**
 * The secure sum: CPU, bytes and memory of one client and of the server, beside the floor of one AES-CTR pass a mask and one
 * addition, and beside Flower's SecAgg+. What is real in a case: see secagg-case.ts, whose process each case is.
 */

import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { BenchOptions, BenchResult } from './result.ts'
import { type Case, type Measured, measuredSchema } from './secagg-case.ts'

export async function secagg({ quick, progress }: BenchOptions): Promise<BenchResult[]> {
  const results: BenchResult[] = []
  for (const asked of quick ? quickCases : allCases()) {
    const measured = await measure(asked)
    progress(nameOf(asked, measured))
    results.push(...resultsOf(asked, measured))
  }
  return results
}

const quickCases: readonly Case[] = [
  { sites: 10, parameters: 100_000, dropped: 0 },
  { sites: 10, parameters: 100_000, dropped: 0.2 },
  { sites: 100, parameters: 1_000_000, dropped: 0 },
  { sites: 100, parameters: 1_000_000, dropped: 0.1 },
  { sites: 32, parameters: 1_000_000, dropped: 0 },
]

/** Above 128 sites the sum is over groups: one is measured, and the server's work is that of all of them. */
function allCases(): Case[] {
  const all = [10, 50, 100, 1000].flatMap((sites) =>
    [100_000, 1_000_000, 10_000_000].flatMap((parameters) =>
      [0, 0.1, 0.2].map((dropped): Case => ({ sites, parameters, dropped })),
    ),
  )
  const narrow = ([24, 20, 16] as const).map((bits): Case => ({ sites: 100, parameters: 1_000_000, dropped: 0, bits }))
  return [...all, { sites: 32, parameters: 1_000_000, dropped: 0 }, ...narrow]
}

async function measure(asked: Case): Promise<Measured> {
  const script = fileURLToPath(new URL('./secagg-case.js', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', script, JSON.stringify(asked)])
  return measuredSchema.parse(JSON.parse(stdout))
}

/** CPU milliseconds of Flower 1.x SecAgg+ as measured for the design, by sites, parameters and share dropped; 21 neighbours at 100 sites. */
const flower: Readonly<Record<string, { readonly client: number; readonly server: number; readonly upload: number }>> =
  {
    '10/100000/0': { client: 43, server: 180, upload: 809_292 },
    '10/1000000/0': { client: 113, server: 280, upload: 8_009_297 },
    '10/1000000/0.2': { client: 121, server: 500, upload: 8_009_844 },
    '100/100000/0': { client: 1160, server: 60_000, upload: 871_231 },
    '100/1000000/0': { client: 208, server: 5300, upload: 8_016_874 },
    '100/1000000/0.1': { client: 203, server: 7000, upload: 8_017_450 },
    '100/1000000/0.2': { client: 202, server: 11_100, upload: 8_018_000 },
  }

function nameOf({ parameters, dropped, bits }: Case, { groups, members }: Measured): string {
  const cohort = groups === 1 ? `${members} sites` : `${groups} groups of ${members}`
  const width = bits === undefined ? '' : `, ${bits} bits`
  return `${cohort}, 10^${Math.round(Math.log10(parameters))} parameters${width}, ${100 * dropped} % dropped`
}

function resultsOf(asked: Case, measured: Measured): BenchResult[] {
  const { groups, members, survivors, floor } = measured
  const of = (what: string, value: number, unit: string, reference: number | null = null): BenchResult => ({
    name: `${nameOf(asked, measured)}: ${what}`,
    value,
    unit,
    reference,
    ratio: reference === null ? null : value / reference,
  })
  const client = measured.clientKeys + measured.clientEncode + measured.clientMask
  const server = groups * (measured.serverMessages + measured.serverAdd + measured.serverUnmask + measured.serverDecode)
  const masks = survivors + (members - survivors) * survivors
  const peer = asked.bits === undefined ? flower[`${asked.sites}/${asked.parameters}/${asked.dropped}`] : undefined
  const words = 4 * asked.parameters
  return [
    of('client CPU, beside the floor', client, 'ms', members * floor),
    of('of it keys, shares and signatures', measured.clientKeys, 'ms'),
    of('of it encoding, packing and hash', measured.clientEncode, 'ms'),
    of('server CPU, beside the floor', server, 'ms', groups * masks * floor),
    of('of it messages', groups * measured.serverMessages, 'ms'),
    of('hashing what arrived, apart', groups * measured.serverHash, 'ms'),
    of('upload, beside the encoded vector', measured.uploadBytes, 'bytes', measured.vectorBytes),
    of('download, beside the encoded vector', measured.downloadBytes, 'bytes', measured.vectorBytes),
    of('client memory', measured.clientPeak / words, 'vectors', 3),
    ...(measured.checked ? [] : [of('server memory', measured.serverPeak / words, 'vectors', 3)]),
    ...(peer === undefined
      ? []
      : [
          of('client CPU, beside Flower', client, 'ms', peer.client),
          of('server CPU, beside Flower', server, 'ms', peer.server),
          of('upload, beside Flower', measured.uploadBytes, 'bytes', peer.upload),
        ]),
  ]
}
