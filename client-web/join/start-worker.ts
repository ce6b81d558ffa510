/** The worker of the page, through the one door that Trusted Types leaves: a script of this very build. */

import address from '../worker/worker.ts?worker&url'

export function startWorker(): Worker {
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
