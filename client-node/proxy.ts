/** The way out of a site's network: through the proxy that the usual variables name, or directly. */

import type { Agent } from 'node:http'
import { HttpsProxyAgent } from 'https-proxy-agent'
import { getProxyForUrl } from 'proxy-from-env'

/**
 * HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY, in upper or lower case. The proxy is asked for a tunnel (CONNECT) in any case:
 * only through one does a WebSocket pass. @returns `undefined` where connections go out directly.
 */
export function proxyAgentFor(url: URL): Agent | undefined {
  const proxy = getProxyForUrl(url.href)
  return proxy === '' ? undefined : new HttpsProxyAgent(proxy)
}
