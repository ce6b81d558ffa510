/** The learning curves: one small chart a metric, of what the sums say after each round, with the interval where they say one. */

import { scaleLinear } from 'd3-scale'
import { area, curveMonotoneX, line } from 'd3-shape'
import { figure } from './format.ts'
import { type Curve, curvesOf, type Point, thin } from './rounds.ts'
import type { RunProps } from './run-section.tsx'
import type { Words } from './words.ts'

export function CurvesSection({ rows, words }: RunProps) {
  const curves = curvesOf(rows)
  return (
    <section>
      <h2>{words.curvesTitle}</h2>
      {curves.length === 0 ? <p class="quiet">{words.curvesNone}</p> : null}
      <div class="charts">
        {curves.map((curve) => (
          <Chart key={curve.name} curve={curve} words={words} />
        ))}
      </div>
      {curves.some(({ points }) => points.some(({ interval }) => interval !== undefined)) ? (
        <p class="quiet small">{words.band}</p>
      ) : null}
    </section>
  )
}

const width = 320
const height = 150
const edge = { left: 44, right: 12, top: 8, bottom: 22 }
/** Points that can be told apart in a chart of this width. */
const mostPoints = 240

function Chart({ curve: { name, points }, words }: { readonly curve: Curve; readonly words: Words }) {
  const [first, latest] = [points[0], points.at(-1)]
  if (first === undefined || latest === undefined) return null
  const reach = points.flatMap(({ value, interval = [value, value] }) => [value, ...interval])
  const x = scaleLinear([first.round, latest.round], [edge.left, width - edge.right])
  const y = scaleLinear([Math.min(...reach), Math.max(...reach)], [height - edge.bottom, edge.top]).nice(4)
  const drawn = [...thin(points, mostPoints)]
  const path = line<Point>(
    ({ round }) => x(round),
    ({ value }) => y(value),
  ).curve(curveMonotoneX)(drawn)
  const band = area<Point>()
    .defined(({ interval }) => interval !== undefined)
    .x(({ round }) => x(round))
    .y0(({ value, interval = [value, value] }) => y(interval[0]))
    .y1(({ value, interval = [value, value] }) => y(interval[1]))
    .curve(curveMonotoneX)(drawn)
  const within = latest.interval?.map(figure).join(' – ')
  const said = `${name}: ${words.first} ${figure(first.value)}, ${words.latest} ${figure(latest.value)}`
  return (
    <figure>
      <figcaption>
        <span lang="en">{name}</span> <strong>{figure(latest.value)}</strong>
        {within === undefined ? null : (
          <span class="quiet small">
            {' '}
            {words.interval} {within}
          </span>
        )}
      </figcaption>
      <svg
        class="chart"
        viewBox={`0 0 ${width} ${height}`}
        role="img"
        aria-label={within === undefined ? said : `${said}, ${words.interval} ${within}`}
      >
        {y.ticks(4).map((tick) => (
          <g key={tick}>
            <line class="grid" x1={edge.left} x2={width - edge.right} y1={y(tick)} y2={y(tick)} />
            <text x={edge.left - 6} y={y(tick) + 4} text-anchor="end">
              {figure(tick)}
            </text>
          </g>
        ))}
        {x
          .ticks(4)
          .filter(Number.isInteger)
          .map((tick) => (
            <text key={tick} x={x(tick)} y={height - 6} text-anchor="middle">
              {tick}
            </text>
          ))}
        <path class="band" d={band ?? ''} />
        <path class="curve" d={path ?? ''} />
        <circle class="dot" cx={x(latest.round)} cy={y(latest.value)} r={3} />
      </svg>
    </figure>
  )
}
