/** Menus of the lab: what a study can name, with the options of each. */

import * as z from 'zod'
import { InputError } from '../protocol/errors.ts'
import { type Choice, check, suggestion } from '../protocol/plan.ts'

export interface MenuEntry<Made> {
  readonly options: z.ZodType
  create(options: unknown): Made
}

/** Binds the options' type to what is made of them, so that a menu can hold entries with different options. */
export const entry = <Options extends z.ZodType, Made>(
  options: Options,
  create: (options: z.infer<Options>) => Made,
): MenuEntry<Made> => ({ options, create: (given) => create(options.parse(given)) })

export const choiceSchema = z.looseObject({ name: z.string() })

/** @throws InputError ERR_PLAN with the path in the file and the nearest name. */
export function choose<Made>(menu: Readonly<Record<string, MenuEntry<Made>>>, choice: Choice, path: string): Made {
  const { name, ...options } = choice
  const known = Object.keys(menu)
  if (!Object.hasOwn(menu, name)) {
    const message = `expected one of ${known.join(', ')}; found "${name}"${suggestion(name, known)}`
    throw new InputError('ERR_PLAN', message, `${path}.name`)
  }
  return menu[name].create(check(menu[name].options, options, path.split('.')))
}
