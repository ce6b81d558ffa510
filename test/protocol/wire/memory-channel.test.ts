import { memoryBlobs, memoryLink } from '../../../protocol/wire/memory-channel.ts'
import { channelContract } from '../../contracts/channel.ts'

channelContract('the memory channel', async (progress) => {
  const published = memoryBlobs()
  return { ...memoryLink(published, progress), published, close: async () => {} }
})
