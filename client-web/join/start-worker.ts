/** The worker of the page, through the one door that Trusted Types leaves: a script of this very build, as it was built. */

import { addressOfText, type Given, loaderOf } from '../shared/verified.ts'
import path from '../worker/worker.ts?worker&url'

/** @throws InputError ERR_INTEGRITY, ERR_UNREACHABLE. */
export async function startWorker(): Promise<Worker> {
  const file = new URL(path, location.href)
  const name = file.pathname.slice(file.pathname.lastIndexOf('/') + 1)
  const build = { base: new URL('.', file).href, scripts: CONCORDAT_SCRIPTS }
  const loader = loaderOf({ ...build, made: {} })
  const text = await loader.textOf(name)
  const given: Given = { ...build, made: await loader.made() }
  const address = addressOfText(`globalThis.concordatGiven=${JSON.stringify({ ...given, name })};\n${text}`)
  const { trustedTypes } = globalThis
  if (trustedTypes === undefined) return new Worker(address, { type: 'module' })
  const policy = trustedTypes.createPolicy('concordat', {
    createScriptURL: (url) => {
      if (url !== address) throw new TypeError('expected the script of the page itself')
      return url
    },
  })
  return new Worker(policy.createScriptURL(address), { type: 'module' })
}
