/** Drawing without a browser: a plot as SVG text, in the page's own colours. */

import * as Plot from '@observablehq/plot'
import { parseHTML } from 'linkedom'

const width = 420

/** Colours of the page, so that they follow light and dark: one with a meaning (what was federated), one for the rest. */
export const accent = 'var(--accent)'
export const other = 'var(--other)'
/** Of several things side by side; told apart in print and by most eyes (Okabe and Ito 2008). */
export const series = ['var(--accent)', 'var(--s2)', 'var(--s3)', 'var(--s4)', 'var(--s5)', 'var(--s6)']

export function draw(options: Plot.PlotOptions): string {
  const { document } = parseHTML('<!doctype html><html><body></body></html>')
  const style = { background: 'transparent', color: 'inherit', fontSize: '12px' }
  return Plot.plot({ document, width, style, marginTop: 32, marginBottom: 44, ...options }).outerHTML
}
