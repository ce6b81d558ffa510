/** The entries of the registry: every act by which somebody enters, changes a key, leaves, or may use the coordinator. */

import * as z from 'zod'
import { identityHex, siteName } from '../roster.ts'
import { applicationSchema, rotationSchema } from './application.ts'

const at = z.int().min(0)
const hash = z.string().regex(/^[0-9a-f]{64}$/)
const reason = z.string().max(1000)

/** What a token lets its holder do; a site needs none, it proves its key. */
export const roleSchema = z.enum(['operator', 'author', 'observer'])
export type Role = z.infer<typeof roleSchema>

export const registryEntrySchema = z.discriminatedUnion('type', [
  /** The operator expects a site of this name; `invite` is the public key of the invitation. */
  z.strictObject({ type: z.literal('invited'), at, name: siteName, invite: identityHex, expires: at }),
  /** A site has shown an invitation, which is used up by it, and waits for the operator. */
  z.strictObject({ type: z.literal('applied'), at, application: applicationSchema }),
  /** A site of the roster wants another key, and waits for the operator. */
  z.strictObject({ type: z.literal('rotating'), at, rotation: rotationSchema }),
  z.strictObject({ type: z.literal('approved'), at, name: siteName, identity: identityHex }),
  z.strictObject({ type: z.literal('refused'), at, name: siteName, identity: identityHex, reason }),
  z.strictObject({ type: z.literal('revoked'), at, name: siteName, reason }),
  /** Only the token's hash is kept. */
  z.strictObject({
    type: z.literal('token'),
    at,
    id: z.string().regex(/^[0-9a-f]{8}$/),
    hash,
    role: roleSchema,
    holder: z.string().min(1).max(63),
    expires: at,
  }),
  z.strictObject({ type: z.literal('token-revoked'), at, id: z.string() }),
])

export type RegistryEntry = z.infer<typeof registryEntrySchema>
