/** The menu of places for blobs, by the scheme of their address. */

import { InputError } from '../../../protocol/errors.ts'
import type { Blobs } from './blobs.ts'
import { diskBlobs } from './disk.ts'
import { s3Blobs } from './s3.ts'

type Environment = Readonly<Record<string, string | undefined>>

const inBucket = async (url: string, environment: Environment): Promise<Blobs> => {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = environment
  if (accessKeyId === undefined || secretAccessKey === undefined)
    throw new InputError('ERR_CONFIG', 'a bucket needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY', 'BLOBS_URL')
  return s3Blobs({ url, accessKeyId, secretAccessKey, region: environment.AWS_REGION ?? 'us-east-1' })
}

const places: Readonly<Record<string, (url: string, environment: Environment) => Promise<Blobs>>> = {
  'https:': inBucket,
  'http:': inBucket,
}

/** A folder, unless `url` names another place. @throws InputError ERR_CONFIG, ERR_STORE. */
export async function openBlobs(folder: string, url: string | undefined, environment: Environment): Promise<Blobs> {
  if (url === undefined || url === '') return diskBlobs(folder)
  const scheme = /^[a-z0-9+]+:/.exec(url)?.[0] ?? ''
  if (!Object.hasOwn(places, scheme))
    throw new InputError(
      'ERR_CONFIG',
      `expected an address that begins with ${Object.keys(places).join(' or ')}//`,
      'BLOBS_URL',
    )
  return places[scheme](url, environment)
}
