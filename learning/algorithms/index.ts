/** The menu of algorithms that a plan can name. */

import type { AlgorithmEntry } from './algorithm-entry.ts'
import { cyclic } from './cyclic.ts'
import { ditto } from './ditto.ts'
import { fedAvg } from './fed-avg.ts'
import { fedAvgM } from './fed-avg-m.ts'
import { fedBn } from './fed-bn.ts'
import { fedBuff } from './fed-buff.ts'
import { fedDyn } from './fed-dyn.ts'
import { fedNova } from './fed-nova.ts'
import { fedOpt } from './fed-opt.ts'
import { fedProx } from './fed-prox.ts'
import { fedRep } from './fed-rep.ts'
import { fedSgd } from './fed-sgd.ts'
import { scaffold } from './scaffold.ts'
import { statistics } from './statistics.ts'

export const algorithms: Readonly<Record<string, AlgorithmEntry>> = {
  statistics,
  'fed-avg': fedAvg,
  'fed-sgd': fedSgd,
  'fed-prox': fedProx,
  scaffold,
  'fed-nova': fedNova,
  'fed-dyn': fedDyn,
  'fed-avg-m': fedAvgM,
  'fed-opt': fedOpt,
  'fed-rep': fedRep,
  'fed-bn': fedBn,
  ditto,
  'fed-buff': fedBuff,
  cyclic,
}
