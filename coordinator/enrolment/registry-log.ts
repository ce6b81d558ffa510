/** The registry's entries in the coordinator's store, one line each. */

import { registryEntrySchema } from '../../protocol/enrolment/entries.ts'
import { InputError } from '../../protocol/errors.ts'
import type { Store } from '../store/store.ts'
import type { RegistryLog } from './registry-service.ts'

/** @throws InputError ERR_STORE where a line is none of ours. */
export async function openRegistryLog(store: Store): Promise<RegistryLog> {
  const entries = (await store.registry()).map((line, place) => {
    try {
      return registryEntrySchema.parse(JSON.parse(line))
    } catch {
      throw new InputError(
        'ERR_STORE',
        `entry ${place} of the registry is not as this coordinator writes it; restore a backup`,
      )
    }
  })
  let place = entries.length
  return {
    entries,
    append: async (entry) => {
      await store.appendRegistry(place, JSON.stringify(entry))
      place++
    },
  }
}
