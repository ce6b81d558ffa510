import { memoryBlobs, memoryLink } from '../../../protocol/wire/memory-channel.ts'
import { channelContract } from '../../contracts/channel.ts'

channelContract('the memory channel', async () => {
  const published = memoryBlobs()
  return { ...memoryLink(published), published, close: async () => {} }
})
