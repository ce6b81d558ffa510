/** The operator's own token: made at the first start into a file that only this user reads; the store has its hash. */

import { open, readFile } from 'node:fs/promises'
import { InputError } from '../../protocol/errors.ts'
import { onStore } from '../store/faults.ts'
import type { RegistryService } from './registry-service.ts'

/** The file is the way back in: whoever owns the folder owns the coordinator. */
const tenYears = 10 * 366 * 86_400_000

/** @throws InputError ERR_TOKEN_FILE, ERR_STORE */
export async function openOperatorToken(path: string, registry: RegistryService, now: number): Promise<void> {
  const kept = await readFile(path, 'utf8').catch(() => undefined)
  const token = kept?.trim()
  if (token !== undefined && !/^[0-9a-f]{64}$/.test(token))
    throw new InputError(
      'ERR_TOKEN_FILE',
      'expected an operator token of 64 hexadecimal digits; delete the file to get a new one',
      path,
    )
  if (token !== undefined && registry.roleOf(token) === 'operator') return
  // Missing, expired, or of a store that is gone: a fresh one takes its place.
  const fresh = await registry.issueToken({ role: 'operator', holder: 'operator', expires: now + tenYears })
  await onStore(path, async () => {
    const file = await open(path, 'w', 0o600)
    try {
      await file.writeFile(`${fresh}\n`)
      await file.sync()
    } finally {
      await file.close()
    }
  })
}
