/** An invitation: a link that carries the coordinator's key and a one-time key with which one site may apply, once. */

import { fromBase64, toBase64 } from '../base64.ts'
import { Reader, Writer } from '../bytes.ts'
import { InputError, ProtocolError } from '../errors.ts'

export interface Invite {
  /** Where the coordinator listens, without the path of the page. */
  readonly url: string
  /** The coordinator's Ed25519 key, which the site pins. */
  readonly coordinator: Uint8Array
  /** Ed25519 seed of the invitation. The coordinator keeps only its public key. */
  readonly seed: Uint8Array
  /** The name the site will have. */
  readonly name: string
  /** Milliseconds since 1970. */
  readonly expires: number
}

const version = 1

/** Everything stands behind the `#`: browsers do not send it, so it is in no proxy's log. */
export function inviteLink(invite: Invite): string {
  const body = new Writer()
    .uint8(version)
    .raw(invite.coordinator)
    .raw(invite.seed)
    .uint64(invite.expires)
    .text(invite.name)
    .finish()
  const text = toBase64(body).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
  return `${invite.url.replace(/\/$/, '')}/join/#${text}`
}

/** @throws InputError ERR_INVITE. The link is not repeated in the message: it is a credential. */
export function parseInviteLink(link: string): Invite {
  const [address, text = ''] = link.trim().split('#')
  const place = /^(https?:\/\/\S+?)\/join\/?$/.exec(address)
  if (place === null)
    throw new InputError('ERR_INVITE', 'expected a link like https://coordinator.example/join/#…, whole, in quotes')
  try {
    const padded = text.replaceAll('-', '+').replaceAll('_', '/')
    const reader = new Reader(fromBase64(padded.padEnd(Math.ceil(padded.length / 4) * 4, '=')))
    reader.uint8('version of the invitation', { max: version })
    const invite = {
      url: place[1],
      coordinator: reader.raw('coordinator key', 32),
      seed: reader.raw('seed', 32),
      expires: reader.uint64('expiry'),
      name: reader.text('name', { max: 63 }),
    }
    reader.end()
    return invite
  } catch (error) {
    if (!(error instanceof InputError || error instanceof ProtocolError)) throw error
    throw new InputError('ERR_INVITE', 'the part behind # is damaged; copy the whole link again')
  }
}
