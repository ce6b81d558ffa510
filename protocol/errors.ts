/** Errors that a user or a peer can cause: each has a stable code, and says what was expected and what came. */

/** Stable codes; a code is never renamed or reused. `docs/errors.md` lists them with advice. */
export type ErrorCode = `ERR_${string}`

/** A code as a peer sent it; what is not of the form of ours becomes ERR_PEER. */
export function errorCode(text: string): ErrorCode {
  const name = /^ERR_([A-Z0-9_]{1,60})$/.exec(text)?.[1]
  return name === undefined ? 'ERR_PEER' : `ERR_${name}`
}

/** Bad input from a person: a plan, a data file, a flag. `where` names the place: a path in the plan, a line and column. */
export class InputError extends Error {
  readonly code: ErrorCode
  readonly where: string | undefined

  constructor(code: ErrorCode, message: string, where?: string) {
    super(where === undefined ? message : `${where}: ${message}`)
    this.name = 'InputError'
    this.code = code
    this.where = where
  }
}

/** A peer broke the rules of the protocol. `culprit` names the party where it can be named. */
export class ProtocolError extends Error {
  readonly code: ErrorCode
  readonly culprit: string | undefined

  constructor(code: ErrorCode, message: string, culprit?: string) {
    super(message)
    this.name = 'ProtocolError'
    this.code = code
    this.culprit = culprit
  }
}

/** A site will not do what was asked of it. Its own terminal says why; the others are told the code alone. */
export class SiteRefusal extends ProtocolError {}

/** Closes a union: reached only if the types lie. */
export function unreachable(value: never): never {
  throw new Error(`unreachable: ${JSON.stringify(value)}`)
}
