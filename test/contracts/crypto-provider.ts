/** What every crypto provider must keep: the RFCs' vectors, the same bytes as node:crypto, the same refusals. */

import { createCipheriv, randomBytes } from 'node:crypto'
import { ed25519 } from '@noble/curves/ed25519.js'
import { sha512 } from '@noble/hashes/sha2.js'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { concat, fromHex, toHex, utf8 } from '../../protocol/bytes.ts'
import { nodeProvider } from '../../protocol/crypto/node/provider.ts'
import type { CryptoProvider, Mask, RingVector } from '../../protocol/crypto/provider.ts'

const hex = (text: string): Uint8Array => fromHex(text.replaceAll(/\s/g, ''))
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
const some = fc.uint8Array({ maxLength: 300 })
const runs = { numRuns: 15, seed: 7 }

export function cryptoProviderContract(name: string, provider: CryptoProvider): void {
  describe(`${name} keeps the contract of a crypto provider`, () => {
    test('SHA-256 of FIPS 180-4, in one part or in several', async () => {
      const abc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'
      expect(toHex(await provider.sha256(utf8('abc')))).toBe(abc)
      expect(toHex(await provider.sha256(utf8('a'), utf8(''), utf8('bc')))).toBe(abc)
    })

    test('HKDF of RFC 5869, cases 1 to 3', async () => {
      for (const { secret, salt, info, length, output } of hkdfCases)
        expect(await provider.hkdf(hex(secret), hex(salt), hex(info), length)).toEqual(hex(output))
    })

    test('X25519 of RFC 7748, sections 5.2 and 6.1', async () => {
      for (const { secret, peer, shared } of x25519Cases)
        expect(await provider.x25519(hex(secret), hex(peer))).toEqual(hex(shared))
      for (const { secret, key } of [alice, bob]) expect(await provider.x25519PublicKey(hex(secret))).toEqual(hex(key))
    })

    test('Ed25519 of RFC 8032, tests 1 to 3', async () => {
      for (const { seed, key, message, signature } of ed25519Cases) {
        expect(await provider.ed25519PublicKey(hex(seed))).toEqual(hex(key))
        expect(await provider.ed25519Sign(hex(seed), hex(message))).toEqual(hex(signature))
        expect(await provider.ed25519Verify(hex(key), hex(message), hex(signature))).toBe(true)
      }
    })

    test('hashes, derived keys, agreed secrets and signatures are those of node:crypto on any input', async () => {
      await fc.assert(
        fc.asyncProperty(bytes(32), bytes(32), some, some, async (secret, other, salt, message) => {
          const peer = await nodeProvider.x25519PublicKey(other)
          const made = (of: CryptoProvider): Promise<Uint8Array[]> =>
            Promise.all([
              of.sha256(salt, message),
              of.hkdf(secret, salt, message, 32),
              of.hkdf(secret, salt, message, 77),
              of.x25519PublicKey(secret),
              of.x25519(secret, peer),
              of.ed25519PublicKey(secret),
              of.ed25519Sign(secret, message),
            ])
          expect(await made(provider)).toEqual(await made(nodeProvider))
        }),
        runs,
      )
    })

    test.each(vectorLengths)('masks over %s words are added as AES-256-CTR words, in both rings', async (length) => {
      for (const vector of [new Int32Array(length), new BigInt64Array(length)]) {
        new Uint8Array(vector.buffer).set(randomBytes(vector.byteLength))
        // Of nine masks six are added and three subtracted: a whole pass of four, and two that are not whole.
        const masks = Array.from(
          { length: 9 },
          (_, i): Mask => ({ seed: new Uint8Array(32).fill(i + 1), sign: i % 3 === 0 ? -1 : 1 }),
        )
        const expected = plainlyMasked(vector, masks)
        await provider.addMasks(vector, masks)
        expect(sameWords(vector, expected)).toBe(true)
      }
    })

    test('a view into a larger buffer is masked, and nothing beside it', async () => {
      const words = new Int32Array(100)
      const view = words.subarray(10, 90)
      const mask: Mask = { seed: new Uint8Array(32).fill(5), sign: 1 }
      const expected = plainlyMasked(view, [mask])
      await provider.addMasks(view, [mask])
      expect([...view]).toEqual([...expected])
      expect([...words.subarray(0, 10), ...words.subarray(90)]).toEqual(new Array(20).fill(0))
    })

    test('the keystream begins with the zero counter', async () => {
      const vector = new Int32Array(16)
      await provider.addMasks(vector, [{ seed: new Uint8Array(32), sign: 1 }])
      expect(toHex(new Uint8Array(vector.buffer))).toBe(
        'dc95c078a2408989ad48a21492842087530f8afbc74536b9a963b4f1c4cb738bcea7403d4d606b6e074ec5d3baf39d18726003ca37a62a74d1a2f58e7506358e',
      )
    })

    test('every X25519 key of low order is refused', async () => {
      for (const key of lowOrderKeys)
        await expect(provider.x25519(new Uint8Array(32).fill(0x42), hex(key)), key).rejects.toMatchObject({
          code: 'ERR_LOW_ORDER_POINT',
        })
    })

    test('a signature with one bit changed, in it, in the message or in the key, does not hold', async () => {
      await fc.assert(
        fc.asyncProperty(
          bytes(32),
          fc.uint8Array({ minLength: 1, maxLength: 100 }),
          fc.nat(),
          async (seed, message, at) => {
            const key = await provider.ed25519PublicKey(seed)
            const signature = await provider.ed25519Sign(seed, message)
            expect(await provider.ed25519Verify(key, message, signature)).toBe(true)
            expect(await provider.ed25519Verify(flipped(key, at), message, signature)).toBe(false)
            expect(await provider.ed25519Verify(key, flipped(message, at), signature)).toBe(false)
            expect(await provider.ed25519Verify(key, message, flipped(signature, at))).toBe(false)
          },
        ),
        runs,
      )
    })

    test('a signature is not malleable: S + L does not hold', async () => {
      const { key, message, signature } = ed25519Cases[1]
      const s = BigInt(`0x${toHex(hex(signature).subarray(32).reverse())}`)
      const moved = hex((s + ed25519.Point.Fn.ORDER).toString(16).padStart(64, '0')).reverse()
      const second = concat(hex(signature).subarray(0, 32), moved)
      expect(await provider.ed25519Verify(hex(key), hex(message), second)).toBe(false)
    })

    test('a key of small order signs nothing, nor does a point written in a second way', async () => {
      for (const encoded of smallOrderPoints) {
        // With A and R of small order and S = 0 the equation holds for some or for every message.
        const signature = concat(hex(encoded), new Uint8Array(32))
        for (const message of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'])
          expect(await provider.ed25519Verify(hex(encoded), utf8(message), signature)).toBe(false)
      }
    })

    test('a signature that holds only after multiplication by the cofactor does not hold', async () => {
      const { key, message, signature } = mixedOrderSignature()
      expect(ed25519.verify(signature, message, key)).toBe(true)
      expect(await provider.ed25519Verify(key, message, signature)).toBe(false)
    })

    test('keys that are no point and lengths that are none do not hold, and do not throw', async () => {
      const { key, message, signature } = ed25519Cases[2]
      const noPoint = hex(`02${'00'.repeat(31)}`)
      expect(() => ed25519.Point.fromBytes(noPoint)).toThrow()
      expect(await provider.ed25519Verify(noPoint, hex(message), hex(signature))).toBe(false)
      expect(await provider.ed25519Verify(hex(key).subarray(1), hex(message), hex(signature))).toBe(false)
      expect(await provider.ed25519Verify(hex(key), hex(message), hex(signature).subarray(1))).toBe(false)
      expect(await provider.ed25519Verify(hex(key), hex(message), new Uint8Array(0))).toBe(false)
    })
  })
}

/** Around the ends of the chunks in which providers make keystream. */
const vectorLengths = [0, 1, 3, 1000, 32_767, 32_769, 262_145]

/** The oracle: one mask after the other, word by word. */
export function plainlyMasked(vector: RingVector, masks: readonly Mask[]): RingVector {
  const result = vector.slice()
  for (const { seed, sign } of masks) {
    const keystream = createCipheriv('aes-256-ctr', seed, new Uint8Array(16)).update(new Uint8Array(vector.byteLength))
    const view = new DataView(keystream.buffer, keystream.byteOffset, keystream.byteLength)
    for (let i = 0; i < result.length; i++) {
      if (result instanceof Int32Array) result[i] += sign * view.getUint32(4 * i, true)
      else result[i] += BigInt(sign) * view.getBigUint64(8 * i, true)
    }
  }
  return result
}

const sameWords = (a: RingVector, b: RingVector): boolean => Buffer.from(a.buffer).equals(Buffer.from(b.buffer))

const flipped = (bytes: Uint8Array, at: number): Uint8Array =>
  bytes.map((byte, i) => (i === (at >> 3) % bytes.length ? byte ^ (1 << (at & 7)) : byte))

/** R = r B + T with T of order eight, S = r + h a: what a site could sign to split those who check with the cofactor from the others. */
function mixedOrderSignature() {
  const { Point } = ed25519
  const message = utf8('split')
  const a = 123_456_789n
  const key = Point.BASE.multiply(a).toBytes()
  const r = Point.BASE.multiply(987_654_321n)
    .add(Point.fromBytes(hex(orderEight)))
    .toBytes()
  const h = BigInt(`0x${toHex(sha512(concat(r, key, message)).reverse())}`)
  const s = (987_654_321n + h * a) % Point.Fn.ORDER
  return { key, message, signature: concat(r, hex(s.toString(16).padStart(64, '0')).reverse()) }
}

const orderEight = '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05'

const smallOrderPoints = [
  `01${'00'.repeat(31)}`,
  `ec${'ff'.repeat(30)}7f`,
  `00${'00'.repeat(31)}`,
  `00${'00'.repeat(30)}80`,
  orderEight,
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
  // 1 and 0 with the sign of nothing, and y + p.
  `01${'00'.repeat(30)}80`,
  `ec${'ff'.repeat(31)}`,
  `ee${'ff'.repeat(30)}7f`,
  `ed${'ff'.repeat(30)}7f`,
]

const lowOrderKeys = [
  '00'.repeat(32),
  `01${'00'.repeat(31)}`,
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  `ec${'ff'.repeat(30)}7f`,
  `ed${'ff'.repeat(30)}7f`,
  `ee${'ff'.repeat(30)}7f`,
  // The highest bit is not looked at.
  `00${'00'.repeat(30)}80`,
  `ec${'ff'.repeat(31)}`,
]

const hkdfCases = [
  {
    secret: '0b'.repeat(22),
    salt: '000102030405060708090a0b0c',
    info: 'f0f1f2f3f4f5f6f7f8f9',
    length: 42,
    output: '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
  },
  {
    secret: Array.from({ length: 80 }, (_, i) => i.toString(16).padStart(2, '0')).join(''),
    salt: Array.from({ length: 80 }, (_, i) => (0x60 + i).toString(16)).join(''),
    info: Array.from({ length: 80 }, (_, i) => (0xb0 + i).toString(16)).join(''),
    length: 82,
    output:
      'b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87',
  },
  {
    secret: '0b'.repeat(22),
    salt: '',
    info: '',
    length: 42,
    output: '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8',
  },
]

/** RFC 7748, section 6.1. */
const alice = {
  secret: '77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a',
  key: '8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a',
}
const bob = {
  secret: '5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb',
  key: 'de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f',
}

const x25519Cases = [
  {
    secret: 'a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4',
    peer: 'e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c',
    shared: 'c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552',
  },
  {
    secret: '4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d',
    peer: 'e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493',
    shared: '95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957',
  },
  {
    secret: alice.secret,
    peer: bob.key,
    shared: '4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742',
  },
]

const ed25519Cases = [
  {
    seed: '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    key: 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    message: '',
    signature:
      'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  },
  {
    seed: '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    key: '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    message: '72',
    signature:
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  },
  {
    seed: 'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
    key: 'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
    message: 'af82',
    signature:
      '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  },
]
