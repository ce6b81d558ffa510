/** Blobs in a bucket of Amazon S3 or of anything that speaks its protocol. */

import { AwsClient } from 'aws4fetch'
import { InputError } from '../../../protocol/errors.ts'
import type { Blobs } from './blobs.ts'

export interface S3Options {
  /** The bucket's address, with a prefix where one is wanted: `https://s3.eu-central-1.amazonaws.com/bucket/prefix`. */
  readonly url: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly region: string
}

export function s3Blobs({ url, ...credentials }: S3Options): Blobs {
  // aws4fetch tries again, with back-off, what a busy bucket refuses (5xx and 429).
  const client = new AwsClient({ ...credentials, service: 's3', retries: 4, initRetryMs: 100 })
  const call = async (hash: string, init: RequestInit): Promise<Response> => {
    const response = await client.fetch(`${url.replace(/\/$/, '')}/${hash}`, init).catch((error: unknown) => {
      throw new InputError(
        'ERR_STORE',
        `the bucket cannot be reached: ${error instanceof Error ? error.message : error}`,
        url,
      )
    })
    if (response.ok || response.status === 404) return response
    const told = (await response.text()).slice(0, 300)
    throw new InputError('ERR_STORE', `the bucket refused a ${init.method} (${response.status}): ${told}`, url)
  }
  return {
    put: async (hash, bytes) => {
      const response = await call(hash, { method: 'PUT', body: new Uint8Array(bytes) })
      if (!response.ok) throw new InputError('ERR_STORE', 'there is no such bucket', url)
    },
    size: async (hash) => {
      const response = await call(hash, { method: 'HEAD' })
      return response.ok ? Number(response.headers.get('content-length')) : undefined
    },
    read: async function* (hash, start) {
      const headers = start > 0 ? { range: `bytes=${start}-` } : {}
      const { ok, body } = await call(hash, { method: 'GET', headers })
      if (!ok || body === null) throw new InputError('ERR_STORE', `the blob ${hash} is not in the bucket`, url)
      yield* body
    },
    remove: async (hash) => {
      await call(hash, { method: 'DELETE' })
    },
  }
}
