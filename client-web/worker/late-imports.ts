/** What the worker imports late, with the hashes that the page has given it; the build calls this in place of `import()`. */

import { loaderOf } from '../shared/verified.ts'

const { name, ...given } = globalThis.concordatGiven
// The worker's own script runs from an address of its own.
const loader = loaderOf({ ...given, made: { ...given.made, [name]: location.href } })

globalThis.concordatImport = async (script) => import(/* @vite-ignore */ await loader.addressOf(script))
