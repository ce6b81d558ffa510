/** Which build of the pages this page is of, as the page itself can tell: it stands, byte for byte, in the list of that build. */

import { fileHash, pagesHash, parsePages } from '../../protocol/pages.ts'

/** `stale` where the list that is served now is of another build than this page: an old copy, or something on the way. */
export interface Build {
  readonly hash: string
  readonly stale: boolean
}

/** The document names the hash of its scripts, and those of what they load: whoever has the document's hash has all of them. */
export async function ownBuild(root: URL, document: 'index.html' | 'join/index.html'): Promise<Build | undefined> {
  try {
    const listed = parsePages(await (await fetch(new URL('build.json', root), { cache: 'no-store' })).json())
    if (listed === undefined) return undefined
    const hash = pagesHash(listed.files)
    // From the cache: the bytes that were read for this page, not those that would be read now.
    const page = await fetch(location.pathname, { cache: 'force-cache' })
    const own = fileHash(new Uint8Array(await page.arrayBuffer()))
    return { hash, stale: hash !== listed.hash || own !== listed.files[document] }
  } catch {
    // Offline: what is shown elsewhere says so.
    return undefined
  }
}
