import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from '../../client-node/connect.ts'
import { bulkPlane } from '../../coordinator/bulk.ts'
import { openDoors } from '../../coordinator/server.ts'
import { diskBlobs } from '../../coordinator/store/blobs/disk.ts'
import { toHex } from '../../protocol/bytes.ts'
import type { CoordinatorLink } from '../../protocol/wire/channel.ts'
import { channelContract } from '../contracts/channel.ts'

channelContract('socket.io beside HTTP', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'concordat-'))
  const blobs = await diskBlobs(join(folder, 'blobs'))
  const bulk = await bulkPlane({
    staging: join(folder, 'staging'),
    published: blobs,
    onFault: (error) => {
      throw error
    },
  })
  const links: ((link: CoordinatorLink) => void)[] = []
  const arrived = new Promise<CoordinatorLink>((resolve) => links.push(resolve))
  const doors = await openDoors({
    host: '127.0.0.1',
    port: 0,
    bulk,
    routes: () => {},
    onLink: (link) => links[0](link),
  })
  const site = await connect(new URL(`http://127.0.0.1:${doors.port}`))
  const coordinator = await arrived
  return {
    site,
    coordinator,
    published: { put: (hash, bytes) => blobs.put(toHex(hash), bytes), get: async () => undefined },
    close: async () => {
      site.close()
      await doors.close()
    },
  }
})
