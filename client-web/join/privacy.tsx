/** Privacy as a quantity: what is spent, what a run may still cost, and the limits that this site has set. */

import { Scroll } from '../shared/scroll.tsx'
import { filled, type Words } from '../shared/words.ts'
import type { Cost, Rules } from '../worker/page-state.ts'
import type { SectionProps } from './app.tsx'
import { costText, short } from './numbers.ts'
import { save } from './save.ts'
import { Section } from './section.tsx'

type Epsilon = Cost['epsilon']

interface BarProps {
  readonly spent: Epsilon
  /** What the run costs at most, where that is to be seen beside what is spent. */
  readonly most?: Epsilon
  readonly limit: number
  readonly label: string
}

/** The whole bar is the site's limit; what nothing bounds fills it in the colour of a warning. */
function Bar({ spent, most = spent, limit, label }: BarProps) {
  const share = (epsilon: Epsilon): number => (epsilon === null ? 100 : Math.min(100, (100 * epsilon) / limit))
  const over = most === null || most > limit
  return (
    <svg class={over ? 'bar over' : 'bar'} viewBox="0 0 100 4" preserveAspectRatio="none" role="img" aria-label={label}>
      <rect class="limit" width="100" height="4" />
      <rect class="most" width={share(most)} height="4" />
      <rect class="spent" width={share(spent)} height="4" />
    </svg>
  )
}

export interface RunCostProps {
  readonly cost: Pick<Cost, 'unit' | 'epsilon' | 'delta'>
  /** Of the run, once it has begun. */
  readonly spent: Cost | undefined
  readonly rules: Rules | undefined
  readonly words: Words
}

/** Beside a plan and in its run: spent so far, at most in all, the limit for one run. */
export function RunCost({ cost, spent, rules, words }: RunCostProps) {
  const most = cost.unit === null ? null : cost.epsilon
  const limit = rules?.epsilon
  const begun = spent !== undefined && spent.releases > 0
  const bounded = [
    filled(words.costMost, { cost: costText(cost, words) }),
    begun ? filled(words.costSpent, { cost: costText(spent, words) }) : '',
    limit === undefined ? '' : filled(words.costLimit, { limit: short(limit) }),
  ]
  const text = most === null ? words.costUnbounded : bounded.filter((sentence) => sentence !== '').join(' ')
  return (
    <div class="cost">
      <p>{text}</p>
      {limit === undefined ? null : <Bar spent={begun ? spent.epsilon : 0} most={most} limit={limit} label={text} />}
    </div>
  )
}

/** All studies together, run by run, with the signed ledger to keep. */
export function PrivacySection({ state: { privacy, rules }, words }: SectionProps) {
  if (privacy === undefined || privacy.total.releases === 0) return null
  const { total, runs, file } = privacy
  const text = filled(words.spentAll, { cost: costText(total, words), releases: String(total.releases) })
  const budget = rules?.budget
  return (
    <Section title={words.spent}>
      <p>
        {text} {budget === undefined ? words.budgetNone : filled(words.budgetIs, { limit: short(budget) })}
      </p>
      {budget === undefined ? null : <Bar spent={total.epsilon} limit={budget} label={text} />}
      <Scroll name={words.spent}>
        <table>
          <thead>
            <tr>
              <th scope="col">{words.study}</th>
              <th scope="col">{words.lastDay}</th>
              <th scope="col">{words.releases}</th>
              <th scope="col">epsilon</th>
            </tr>
          </thead>
          <tbody>
            {runs.slice(-listed).map(({ plan, session, last, releases, epsilon, unit }) => (
              <tr key={session}>
                <td>{plan}</td>
                <td>{new Date(last).toISOString().slice(0, 10)}</td>
                <td>{releases}</td>
                <td>{unit === null || epsilon === null ? words.noBound : short(epsilon)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      {file === undefined ? null : (
        <div class="acts">
          <button type="button" onClick={() => save('ledger.jsonl', file)}>
            {words.ledgerDownload}
          </button>
        </div>
      )}
    </Section>
  )
}

const listed = 8
