/**
 * PNG and JPEG files as pictures, told apart by their first bytes; the same bytes on every machine. A browser's own decoders
 * would not give that: JPEG leaves the inverse transform open, and a canvas multiplies colours by their opacity.
 */

// The bundler of the pages takes the package of this name, Node its own.
import { Buffer } from 'buffer'
import jpeg from 'jpeg-js'
import { PNG } from 'pngjs'
import { maxPixels, type Picture, PictureError } from '../image.ts'

/** @throws PictureError what is wrong with the bytes; the caller knows the file. */
export function decodePicture(bytes: Uint8Array): Picture {
  if (startsWith(bytes, [0x89, 0x50, 0x4e, 0x47])) return decodePng(Buffer.from(bytes))
  if (startsWith(bytes, [0xff, 0xd8, 0xff])) return decodeJpeg(bytes)
  throw new PictureError('expected a PNG or JPEG image')
}

function decodePng(bytes: Buffer): Picture {
  // The header comes first: signature, length and name of the chunk, then width and height.
  if (bytes.length < 33) throw new PictureError('the image is truncated')
  if (bytes.readUInt32BE(16) * bytes.readUInt32BE(20) > maxPixels) throw tooLarge()
  const { width, height, data } = attempt(() => PNG.sync.read(bytes))
  return { width, height, channels: 4, data }
}

function decodeJpeg(bytes: Uint8Array): Picture {
  const limits = { maxResolutionInMP: maxPixels / 1e6, maxMemoryUsageInMB: 2048 }
  // An end that is missing would be filled with grey.
  if (!endsWith(bytes, [0xff, 0xd9])) throw new PictureError('the image is truncated')
  const { width, height, data } = attempt(() =>
    jpeg.decode(bytes, { useTArray: true, formatAsRGBA: false, tolerantDecoding: false, ...limits }),
  )
  return { width, height, channels: 3, data }
}

/** The decoders throw whatever broken bytes lead them to. */
function attempt<T>(decode: () => T): T {
  try {
    return decode()
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw /exceeded/.test(reason) ? tooLarge() : new PictureError(`the image is truncated or broken: ${reason}`)
  }
}

const tooLarge = (): PictureError => new PictureError(`the image has more than ${maxPixels} pixels`)

const startsWith = (bytes: Uint8Array, start: readonly number[]): boolean => start.every((byte, i) => bytes[i] === byte)

/** Blanks behind the end do not matter. */
function endsWith(bytes: Uint8Array, end: readonly number[]): boolean {
  let last = bytes.length
  while (last > 0 && bytes[last - 1] === 0) last--
  return end.every((byte, i) => bytes[last - end.length + i] === byte)
}
