import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { blobsOfRuns, releaseEnded } from '../../../coordinator/run-blobs.ts'
import { diskBlobs } from '../../../coordinator/store/blobs/disk.ts'
import { openBlobs } from '../../../coordinator/store/blobs/index.ts'
import { s3Blobs } from '../../../coordinator/store/blobs/s3.ts'
import { openStore } from '../../../coordinator/store/index.ts'
import { nodeProvider } from '../../../protocol/crypto/node/provider.ts'
import { blobsContract } from '../../contracts/blobs.ts'
import { startS3 } from '../../support/s3-server.ts'

const credentials = { accessKeyId: 'operator', secretAccessKey: 'a secret of the bucket', region: 'eu-central-1' }

blobsContract('a folder', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'concordat-'))
  return { blobs: await diskBlobs(folder), remove: () => rm(folder, { recursive: true }) }
})

blobsContract('a bucket', async () => {
  const server = await startS3(credentials)
  return { blobs: s3Blobs({ url: server.url, ...credentials }), remove: () => server.stop() }
})

describe('a bucket', () => {
  test('is asked again where it was busy; a wrong secret is refused and not quoted', async () => {
    const server = await startS3(credentials)
    try {
      const blobs = s3Blobs({ url: server.url, ...credentials })
      server.fail(503, 2)
      await blobs.put('a'.repeat(64), Uint8Array.of(1))
      expect([...server.objects.keys()]).toEqual([`/bucket/study/${'a'.repeat(64)}`])
      const stranger = s3Blobs({ url: server.url, ...credentials, secretAccessKey: 'another secret' })
      const putting = stranger.put('b'.repeat(64), Uint8Array.of(1))
      await expect(putting).rejects.toMatchObject({ code: 'ERR_STORE', message: expect.stringContaining('403') })
      await expect(putting).rejects.not.toMatchObject({ message: expect.stringContaining('another secret') })
    } finally {
      await server.stop()
    }
    await expect(s3Blobs({ url: server.url, ...credentials }).size('a')).rejects.toMatchObject({ code: 'ERR_STORE' })
  }, 60_000)

  test('needs its keys', async () => {
    await expect(openBlobs('unused', 'https://bucket.example/study', {})).rejects.toMatchObject({ code: 'ERR_CONFIG' })
    await expect(openBlobs('unused', 'ftp://bucket.example', {})).rejects.toMatchObject({ code: 'ERR_CONFIG' })
  })
})

describe('the blobs of a run', () => {
  async function two() {
    const folder = await mkdtemp(join(tmpdir(), 'concordat-'))
    const store = await openStore(folder, undefined)
    await store.addRoster(
      ['a', 'b', 'c'].map((name, i) => ({ name, identity: new Uint8Array(32).fill(i) })),
      1,
    )
    for (const id of ['a', 'b'])
      await store.addRun({ id: id.repeat(16), plan: '', nonce: new Uint8Array(32), roster: 1, submitted: 1 })
    const blobs = await diskBlobs(join(folder, 'blobs'))
    const of = blobsOfRuns(store, blobs)
    return { store, blobs, a: of('a'.repeat(16)), b: of('b'.repeat(16)) }
  }
  const named = async (): Promise<[Uint8Array, Uint8Array]> => {
    const bytes = new Uint8Array(randomBytes(50))
    return [await nodeProvider.sha256(bytes), bytes]
  }

  test('are the newest; a state that another run needs too outlives them', async () => {
    const { store, a, b } = await two()
    const [shared, sharedBytes] = await named()
    const [own, ownBytes] = await named()
    await a.put(own, ownBytes)
    await a.put(shared, sharedBytes)
    await b.put(shared, sharedBytes)
    for (let i = 0; i < 16; i++) await a.put(...(await named()))
    expect(await a.get(own)).toBeUndefined()
    expect(await b.get(shared)).toEqual(sharedBytes)
    await store.close()
  })

  test('of a run that has ended are its last state alone, and those of an open one all', async () => {
    const { store, blobs, a, b } = await two()
    const [[first, firstBytes], [last, lastBytes]] = [await named(), await named()]
    for (const run of [a, b]) await run.put(last, lastBytes)
    await a.put(first, firstBytes)
    await a.put(last, lastBytes)
    await b.put(...(await named()))
    await store.setStatus('a'.repeat(16), 'finished')
    await releaseEnded(store, blobs)
    expect(await a.get(first)).toBeUndefined()
    expect(await a.get(last)).toEqual(lastBytes)
    await store.setStatus('b'.repeat(16), 'stopped')
    await releaseEnded(store, blobs)
    expect(await a.get(last)).toEqual(lastBytes)
    await store.close()
  })

  test('are looked at before a run goes on from them', async () => {
    const { store, blobs, a } = await two()
    const [hash, bytes] = await named()
    await blobs.put(
      Buffer.from(hash).toString('hex'),
      bytes.map((byte) => byte ^ 1),
    )
    await expect(a.get(hash)).rejects.toMatchObject({ code: 'ERR_STORE' })
    await store.close()
  })
})
