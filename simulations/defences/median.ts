/** The median of every coordinate. Yin et al. 2018, "Byzantine-Robust Distributed Learning", algorithm 1, option I. */

import * as z from 'zod'
import { entry } from '../menu.ts'
import { byCoordinate, type Defence, middle } from './defence.ts'

export const median = entry(z.strictObject({}), (): Defence => ({ merge: (points) => byCoordinate(points, middle) }))
