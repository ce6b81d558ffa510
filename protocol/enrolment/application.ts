/** What a site signs to enter a federation, and to change its key: proofs of the invitation and of the keys. */

import * as z from 'zod'
import { concat, fromHex, toHex, utf8, Writer } from '../bytes.ts'
import type { CryptoProvider } from '../crypto/provider.ts'
import { ProtocolError } from '../errors.ts'
import { identityHex, siteName } from '../roster.ts'
import type { Identity } from '../wire/handshake.ts'
import type { Invite } from './invite.ts'

const signatureHex = z.string().regex(/^[0-9a-f]{128}$/, 'expected an Ed25519 signature: 128 hexadecimal digits')

/** Keys and signatures in hexadecimal, as they travel and as the registry keeps them. */
export const applicationSchema = z.strictObject({
  name: siteName,
  /** Public key of the invitation. */
  invite: identityHex,
  /** The site's own key, made at the site. */
  identity: identityHex,
  inviteSignature: signatureHex,
  signature: signatureHex,
})

export type Application = z.infer<typeof applicationSchema>

export const rotationSchema = z.strictObject({
  name: siteName,
  from: identityHex,
  to: identityHex,
  fromSignature: signatureHex,
  toSignature: signatureHex,
})

export type Rotation = z.infer<typeof rotationSchema>

type Crypto = Pick<CryptoProvider, 'ed25519PublicKey' | 'ed25519Sign' | 'ed25519Verify'>

/** Both the invitation and the site's key sign, so neither can be exchanged on the way. */
export async function apply(crypto: Crypto, invite: Invite, identity: Identity): Promise<Application> {
  const parts = {
    name: invite.name,
    invite: toHex(await crypto.ed25519PublicKey(invite.seed)),
    identity: toHex(identity.publicKey),
  }
  const bytes = applicationBytes(invite.coordinator, parts)
  return {
    ...parts,
    inviteSignature: toHex(await crypto.ed25519Sign(invite.seed, bytes)),
    signature: toHex(await identity.sign(bytes)),
  }
}

/** @throws ProtocolError ERR_SIGNATURE */
export async function verifyApplication(
  crypto: Crypto,
  coordinator: Uint8Array,
  application: Application,
): Promise<void> {
  const bytes = applicationBytes(coordinator, application)
  await verify(crypto, application.invite, bytes, application.inviteSignature)
  await verify(crypto, application.identity, bytes, application.signature)
}

/** The old key hands its name to a new one: both sign. */
export async function rotate(
  coordinator: Uint8Array,
  name: string,
  { from, to }: { readonly from: Identity; readonly to: Identity },
): Promise<Rotation> {
  const parts = { name, from: toHex(from.publicKey), to: toHex(to.publicKey) }
  const bytes = rotationBytes(coordinator, parts)
  return { ...parts, fromSignature: toHex(await from.sign(bytes)), toSignature: toHex(await to.sign(bytes)) }
}

/** @throws ProtocolError ERR_SIGNATURE */
export async function verifyRotation(crypto: Crypto, coordinator: Uint8Array, rotation: Rotation): Promise<void> {
  const bytes = rotationBytes(coordinator, rotation)
  await verify(crypto, rotation.from, bytes, rotation.fromSignature)
  await verify(crypto, rotation.to, bytes, rotation.toSignature)
}

function applicationBytes(
  coordinator: Uint8Array,
  { name, invite, identity }: Pick<Application, 'name' | 'invite' | 'identity'>,
): Uint8Array {
  const body = new Writer().raw(coordinator).raw(fromHex(invite)).raw(fromHex(identity)).text(name).finish()
  return concat(utf8('concordat/v1/enrolment/application'), body)
}

function rotationBytes(
  coordinator: Uint8Array,
  { name, from, to }: Pick<Rotation, 'name' | 'from' | 'to'>,
): Uint8Array {
  const body = new Writer().raw(coordinator).raw(fromHex(from)).raw(fromHex(to)).text(name).finish()
  return concat(utf8('concordat/v1/enrolment/rotation'), body)
}

async function verify(crypto: Crypto, key: string, bytes: Uint8Array, signature: string): Promise<void> {
  if (!(await crypto.ed25519Verify(fromHex(key), bytes, fromHex(signature))))
    throw new ProtocolError('ERR_SIGNATURE', 'a signature of the application does not hold')
}
