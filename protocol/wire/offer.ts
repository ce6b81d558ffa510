/** The offer of a run: what the coordinator signs, and what a site checks before it joins. */

import { concat, utf8, Writer } from '../bytes.ts'
import type { CryptoProvider } from '../crypto/provider.ts'
import { ProtocolError } from '../errors.ts'
import { sameSites } from '../roster.ts'
import type { Identity } from './handshake.ts'
import type { Message, RosterEntry } from './messages.ts'

export type Offer = Extract<Message, { readonly type: 'offer' }>

export async function makeOffer(identity: Identity, parts: Pick<Offer, 'plan' | 'roster' | 'nonce'>): Promise<Offer> {
  return { type: 'offer', ...parts, signature: await identity.sign(offerBytes(parts)) }
}

/** @throws ProtocolError ERR_SIGNATURE, ERR_ROSTER_MISMATCH when the roster is not the pinned one. */
export async function checkOffer(
  provider: CryptoProvider,
  offer: Offer,
  pinned: { readonly coordinator: Uint8Array; readonly roster: readonly RosterEntry[] },
): Promise<void> {
  if (!(await provider.ed25519Verify(pinned.coordinator, offerBytes(offer), offer.signature))) {
    throw new ProtocolError('ERR_SIGNATURE', "the offer does not carry the coordinator's signature", 'coordinator')
  }
  if (!sameSites(offer.roster, pinned.roster)) {
    throw new ProtocolError(
      'ERR_ROSTER_MISMATCH',
      `expected the roster this site holds (${pinned.roster.map(({ name }) => name).join(', ')}), was offered another (${offer.roster.map(({ name }) => name).join(', ')}); ask the operator for the current roster file`,
      'coordinator',
    )
  }
}

function offerBytes({ plan, roster, nonce }: Pick<Offer, 'plan' | 'roster' | 'nonce'>): Uint8Array {
  const body = new Writer()
    .bytes(plan)
    .list(roster, (entry, to) => to.text(entry.name).raw(entry.identity))
    .raw(nonce)
  return concat(utf8('concordat/v1/offer'), body.finish())
}
