import { randomBytes } from 'node:crypto'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { carrierTo, connect } from '../../client-node/connect.ts'
import { bulkPlane, linkBeside } from '../../coordinator/bulk.ts'
import { type Connection, openDoors } from '../../coordinator/server.ts'
import { diskBlobs } from '../../coordinator/store/blobs/disk.ts'
import { toHex } from '../../protocol/bytes.ts'
import { Mailbox } from '../../protocol/wire/mailbox.ts'
import { siteLink } from '../../protocol/wire/site-links.ts'
import { carrierWith } from '../../protocol/wire/transfer.ts'
import { channelContract } from '../contracts/channel.ts'

channelContract('socket.io beside HTTP', async (progress) => {
  const folder = await mkdtemp(join(tmpdir(), 'concordat-'))
  const blobs = await diskBlobs(join(folder, 'blobs'))
  const bulk = await bulkPlane({
    staging: join(folder, 'staging'),
    published: blobs,
    onFault: (error) => {
      throw error
    },
  })
  const arrivals = new Mailbox<Connection>()
  const doors = await openDoors({
    ...{ host: '127.0.0.1', port: 0, bulk, routes: () => {} },
    onConnection: (connection) => arrivals.put(connection),
  })
  const url = new URL(`http://127.0.0.1:${doors.port}`)
  const token = new Uint8Array(randomBytes(32))
  const site = siteLink(await connect(url), carrierWith(carrierTo(url), token))
  const connection = await arrivals.next()
  if (connection === undefined) throw new Error('nobody came')
  connection.trust()
  return {
    site,
    coordinator: linkBeside(connection, bulk, { token, progress }),
    published: { put: (hash, bytes) => blobs.put(toHex(hash), bytes), get: async () => undefined },
    close: async () => {
      site.close()
      await doors.close()
    },
  }
})
