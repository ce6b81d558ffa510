/** Which rows of a site train and which are held out: from the plan's seed and the site's name, so that it can be repeated. */

import { Stream } from '../../protocol/stream.ts'

export interface Split {
  /** Row indices in ascending order; together with `heldOut` every row once. */
  readonly training: Uint32Array
  readonly heldOut: Uint32Array
}

/** `holdout` is the share of rows held out, 0 to 0.9; at least one row trains. */
export function splitRows(
  rows: number,
  holdout: number,
  site: { readonly seed: number; readonly name: string },
): Split {
  const order = new Stream(`${site.seed}/split/${site.name}`).permutation(rows)
  const heldOut = Math.min(Math.round(rows * holdout), rows - 1)
  return { training: order.slice(heldOut).sort(), heldOut: order.slice(0, heldOut).sort() }
}
