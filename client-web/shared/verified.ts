/**
 * Scripts of a worker, run from what was fetched with the hash that the build gave them: a server, cache or proxy on the way that
 * alters one is refused (W3C Subresource Integrity; a worker knows no import map).
 */

import { InputError } from '../../protocol/errors.ts'

/** By file name: its hash, and the scripts that it imports at once. */
export type Scripts = Readonly<Record<string, { readonly integrity: string; readonly imports: readonly string[] }>>

/** What a worker is given of its build before its first line. */
export interface Given {
  /** The folder of the scripts, with a slash at its end. */
  readonly base: string
  readonly scripts: Scripts
  /** Addresses of those that run already. */
  readonly made: Readonly<Record<string, string>>
}

export interface Loader {
  /** A script whose own imports are addresses. */
  textOf(name: string): Promise<string>
  /** One address a script, so that a module is one module. */
  addressOf(name: string): Promise<string>
  /** The addresses that were made so far. */
  made(): Promise<Given['made']>
}

export function loaderOf({ base, scripts, made: before }: Given): Loader {
  const addresses = new Map(Object.entries(before).map(([name, address]) => [name, Promise.resolve(address)]))
  const textOf = async (name: string): Promise<string> => {
    const { integrity, imports } = scripts[name] ?? refuse(name)
    let text = await fetchVerified(new URL(name, base), integrity)
    for (const other of imports) {
      const address = await addressOf(other)
      for (const quote of ['"', "'", '`']) text = text.replaceAll(`${quote}./${other}${quote}`, `"${address}"`)
    }
    return text
  }
  const addressOf = (name: string): Promise<string> => {
    const known = addresses.get(name)
    if (known !== undefined) return known
    const address = textOf(name).then(addressOfText)
    addresses.set(name, address)
    // What could not be had now may be had later.
    address.catch(() => addresses.delete(name))
    return address
  }
  const made = async (): Promise<Given['made']> =>
    Object.fromEntries(await Promise.all([...addresses].map(async ([name, address]) => [name, await address])))
  return { textOf, addressOf, made }
}

export const addressOfText = (text: string): string =>
  URL.createObjectURL(new Blob([text], { type: 'text/javascript' }))

/** @throws InputError ERR_INTEGRITY where it comes, and is another; ERR_UNREACHABLE where it does not come. */
export async function fetchVerified(address: URL, integrity: string): Promise<string> {
  try {
    return await (await fetch(address, { integrity })).text()
  } catch {
    // The browser does not tell a wrong hash from a broken line.
    throw await whyNot(address)
  }
}

/** What a page imports late, by the hashes of its import map. @throws InputError ERR_INTEGRITY, ERR_UNREACHABLE. */
export async function late<T>(load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    // Most browsers name the script; where one does not, the page's own address stands for it.
    const [address = location.href] = /https?:\S+\.js/.exec(error.message) ?? []
    throw await whyNot(new URL(address))
  }
}

/** Why a script of the build did not load. */
async function whyNot(address: URL): Promise<InputError> {
  const there = await fetch(address, { cache: 'no-store' }).then(
    ({ ok }) => ok,
    () => false,
  )
  const name = address.pathname.split('/').at(-1) || 'a script of this page'
  return there
    ? new InputError(
        'ERR_INTEGRITY',
        `${name} is not what the build made: it was changed on its way here, and was not run. Reload the page; if this stays, tell the operator`,
      )
    : new InputError('ERR_UNREACHABLE', `${name} could not be loaded; see to the network and reload the page`)
}

function refuse(name: string): never {
  throw new InputError('ERR_INTEGRITY', `${name} is no script of this build, and was not run`)
}
