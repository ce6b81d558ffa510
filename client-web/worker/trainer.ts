/** What trains and predicts in a browser: the fastest engine that has the model, fetched when it is needed. */

import { chooseTrainer } from '../../learning/engine/choose.ts'

export const trainer = chooseTrainer()
