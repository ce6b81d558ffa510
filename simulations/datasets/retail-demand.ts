/**
 * Shops of one chain that sell the same things to different people: units sold a day from price, season and promotion.
 *
 * Demand follows one multiplicative model with a price elasticity; shops differ in size, in how price-conscious their
 * customers are and in what they stock, so that a shop alone has seen too little to say what a promotion brings.
 */

import { dataSchema } from '../../protocol/schema.ts'
import { Stream } from '../../protocol/stream.ts'
import { coin, normalWithin, pick, rounded } from './chance.ts'
import type { Dataset } from './dataset.ts'
import { apportion, csvText } from './records.ts'

const categories = ['bakery', 'dairy', 'drinks', 'fruit', 'household'] as const
const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const

export const retailDemand: Dataset = {
  description: 'twelve shops, 4,800 days of an article; units sold from price, season, promotion, weather',
  schema: dataSchema.parse({
    columns: [
      { name: 'category', type: 'category', categories: [...categories] },
      { name: 'price', type: 'number', range: [0.1, 20] },
      { name: 'discount', type: 'number', range: [0, 0.6] },
      { name: 'promoted', type: 'category', categories: ['no', 'yes'] },
      { name: 'weekday', type: 'category', categories: [...weekdays] },
      { name: 'temperature', type: 'number', unit: 'C', range: [-25, 45] },
      { name: 'holiday', type: 'category', categories: ['no', 'yes'] },
      { name: 'competitor_price', type: 'number', range: [0.1, 25] },
      { name: 'stock', type: 'number', range: [0, 2000], integer: true },
      { name: 'last_week', type: 'number', range: [0, 1000], integer: true },
    ],
    label: { column: 'units', type: 'number', range: [0, 1000] },
  }),
  generate: ({ seed, rows = 4800 }) => {
    const shops = Array.from({ length: 12 }, (_, i) => shopOf(i, new Stream(`${seed}/retail/shop/${i}`)))
    const counts = apportion(
      rows,
      shops.map((shop) => shop.size),
    )
    return shops.map((shop, i) => {
      const stream = new Stream(`${seed}/retail/${shop.site}`)
      const records = Array.from({ length: counts[i] }, () => day(shop, stream))
      return { site: shop.site, csv: csvText(records, { code: '', share: { competitor_price: 0.15 } }, stream) }
    })
  },
}

interface Shop {
  readonly site: string
  readonly size: number
  /** How much a percent of price moves demand, in percent. */
  readonly elasticity: number
  readonly mix: Readonly<Record<(typeof categories)[number], number>>
  readonly climate: number
}

function shopOf(index: number, stream: Stream): Shop {
  const share = (): number => Math.exp(stream.normal())
  return {
    site: `shop-${String(index + 1).padStart(2, '0')}`,
    size: Math.exp(0.6 * stream.normal()),
    elasticity: normalWithin(stream, [1.4, 0.25], [0.7, 2.2]),
    mix: { bakery: share(), dairy: share(), drinks: share(), fruit: share(), household: share() },
    climate: normalWithin(stream, [12, 4], [2, 22]),
  }
}

const usual = { bakery: 90, dairy: 70, drinks: 60, fruit: 80, household: 20 } as const
const usualPrice = { bakery: 1.2, dairy: 1.8, drinks: 2.5, fruit: 2.2, household: 6 } as const
const dayFactor = { mon: 0.9, tue: 0.85, wed: 0.9, thu: 1, fri: 1.25, sat: 1.4 } as const

function day(shop: Shop, stream: Stream) {
  const category = pick(stream, shop.mix)
  const weekday = pick(stream, { mon: 1, tue: 1, wed: 1, thu: 1, fri: 1, sat: 1 })
  const temperature = normalWithin(stream, [shop.climate, 9], [-20, 40])
  const promoted = coin(stream, 0.2)
  const discount = promoted ? 0.1 + 0.3 * stream.uniform() : 0
  const price = usualPrice[category] * Math.exp(0.15 * stream.normal()) * (1 - discount)
  const competitor = usualPrice[category] * Math.exp(0.15 * stream.normal())
  const holiday = coin(stream, 0.06)
  const warm = (temperature - 12) / 10
  const season = { bakery: -0.05, dairy: 0, drinks: 0.3, fruit: 0.12, household: 0 }[category] * warm
  const base =
    Math.log(usual[category]) +
    0.35 * Math.log(shop.size) +
    Math.log(dayFactor[weekday]) -
    shop.elasticity * Math.log(price / usualPrice[category]) +
    0.5 * Math.log(competitor / usualPrice[category]) +
    season +
    (promoted ? 0.35 : 0) +
    (holiday ? 0.3 : 0)
  const units = Math.min(1000, Math.max(0, Math.round(Math.exp(base + 0.2 * stream.normal()))))
  const week = Math.min(1000, Math.round(usual[category] * shop.size ** 0.35 * Math.exp(0.3 * stream.normal())))
  return {
    category,
    price: rounded(price, 2),
    discount: rounded(discount, 2),
    promoted: promoted ? 'yes' : 'no',
    weekday,
    temperature: rounded(temperature, 1),
    holiday: holiday ? 'yes' : 'no',
    competitor_price: rounded(competitor, 2),
    stock: Math.min(2000, Math.round(usual[category] * (0.5 + 1.5 * stream.uniform()))),
    last_week: week,
    units,
  }
}
