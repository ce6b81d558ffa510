import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openRecords } from '../../../client-node/records.ts'
import type { RunEvent } from '../../../coordinator/events.ts'
import type { Site } from '../../../learning/algorithms/site.ts'
import { planMenus } from '../../../learning/computation.ts'
import { InputError } from '../../../protocol/errors.ts'
import { parsePlan } from '../../../protocol/plan.ts'
import type { SiteLink } from '../../../protocol/wire/channel.ts'
import { decodeMessage } from '../../../protocol/wire/messages.ts'
import { federate } from '../../../simulations/federation.ts'
import { plainTrainer } from '../../support/plain-trainer.ts'

const plan = parsePlan(
  {
    ...{ concordat: 1, name: 'declined', algorithm: { name: 'statistics' } },
    data: {
      columns: [
        { name: 'age', type: 'number', range: [0, 120], integer: true },
        { name: 'stage', type: 'category', categories: ['early', 'late'] },
      ],
      label: { column: 'ill', type: 'binary', positive: ['1'], negative: ['0'] },
    },
  },
  planMenus,
)
const folder = await mkdtemp(join(tmpdir(), 'concordat-'))
const good = ['age,stage,ill', '41,early,1', '52,late,0', '63,early,1', '74,late,0']

/** A site as the agent opens it; what stops it from opening stops it when it is offered a run. */
async function siteFrom(name: string, lines: readonly string[], stream: boolean): Promise<Site> {
  const path = join(folder, `${name}.csv`)
  await writeFile(path, `${lines.join('\n')}\n`)
  const site = { name, trainer: plainTrainer }
  try {
    return (await openRecords({ kind: 'csv', path, stream }, {}, site, plan)).site
  } catch (error) {
    return {
      ...site,
      get table(): never {
        throw error
      },
    }
  }
}

/** The refusal a site's own terminal shows. */
function refusalOf(site: Site): InputError {
  try {
    site.table
  } catch (error) {
    if (error instanceof InputError) return error
    throw error
  }
  throw new Error('this site opens')
}

const secret = 'Zebrowski'

test.each([
  ['a name where a number belongs', 'ERR_DATA_NUMBER', [...good, `${secret},late,1`]],
  ['a number beyond the range', 'ERR_DATA_RANGE', [...good, '731,late,1']],
  ['a fraction where whole numbers belong', 'ERR_DATA_INTEGER', [...good, '73.125,late,1']],
  ['a category that the plan does not know', 'ERR_DATA_CATEGORY', [...good, `30,${secret},1`]],
  ['a label that the plan does not know', 'ERR_DATA_CATEGORY', [...good, `30,late,${secret}`]],
  ['a field too many', 'ERR_CSV_FIELDS', [...good, `30,late,1,${secret}`]],
  ['a quote that stays open', 'ERR_CSV_QUOTE', [...good, `30,"${secret},1`]],
  ['a column that nobody knows', 'ERR_DATA_COLUMN_UNKNOWN', good.map((line, i) => `${line},${i ? '1' : secret}`)],
  ['records without a header', 'ERR_DATA_COLUMN_UNKNOWN', [`30,${secret},1`, ...good.slice(1)]],
])('a site that declines for %s sends its code and nothing else', async (_, code, lines) => {
  for (const stream of [false, true]) {
    const odd = await siteFrom('odd', lines, stream)
    const others = await Promise.all(['north', 'south', 'west'].map((name) => siteFrom(name, good, false)))
    const sent: Uint8Array[] = []
    const uploads: Uint8Array[] = []
    let leave = (): void => {}
    const captured = (link: SiteLink, name: string): SiteLink => {
      if (name !== 'odd') return link
      leave = () => link.close()
      return {
        ...link,
        send(frame) {
          sent.push(frame.slice())
          link.send(frame)
        },
        async upload(blob, hash) {
          uploads.push(blob)
          return link.upload(blob, hash)
        },
      }
    }
    const events: RunEvent[] = []
    const report = (event: RunEvent): void => {
      events.push(event)
      // A site that declined stays on its link, for a run that it can take part in.
      if (event.type === 'round') leave()
    }
    await federate(plan, [odd, ...others], report, undefined, captured)

    // The terminal of the site says what is wrong, with what stands in the file.
    expect(refusalOf(odd)).toMatchObject({ code })
    const reason = `the site cannot take part (${code}); its own terminal says why`
    expect(sent.map((frame) => decodeMessage(frame))).toEqual([{ type: 'decline', code, reason }])
    expect(Buffer.concat(sent).toString('latin1')).not.toMatch(/Zebrowski|731|73\.125|early|late/)
    expect(uploads).toEqual([])
    expect(events).toContainEqual(expect.objectContaining({ type: 'declined', code, reason }))
  }
})
