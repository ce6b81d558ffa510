/**
 * FLTrust: the coordinator trains on a few records of its own; an update counts by how well it points the same way, at the
 * same length. Cao et al. 2021, "FLTrust: Byzantine-robust Federated Learning via Trust Bootstrapping", algorithm 2.
 */

import * as z from 'zod'
import { normOf, scaled } from '../attacks/attack.ts'
import { entry } from '../menu.ts'
import { type Defence, dot, weightedMean } from './defence.ts'

export const flTrust = entry(
  z.strictObject({}),
  (): Defence => ({
    needsRoot: true,
    merge(points, root) {
      if (root === undefined) throw new Error('FLTrust without an update of its own')
      const own = normOf(root)
      const trusted = points.flatMap(({ update }) => {
        const length = normOf(update)
        const trust = length === 0 || own === 0 ? 0 : dot(update, root) / (length * own)
        return trust > 0 ? [{ update: scaled(update, own / length), weight: trust }] : []
      })
      return trusted.length === 0 ? root : weightedMean(trusted)
    },
  }),
)
