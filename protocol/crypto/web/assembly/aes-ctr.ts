/**
 * AES-256 in counter mode (FIPS 197, SP 800-38A), eight blocks at a time and without a table: each of eight 128-bit planes holds one
 * bit of every byte (Käsper and Schwabe 2009, "Faster and timing-attack resistant AES-GCM"), so that time says nothing of the key.
 */

/** The eight planes that are worked on; before and after `transpose` they are eight blocks. */
const state = memory.data(128, 16)
/** Planes of the fifteen round keys. */
const keyPlanes = memory.data(15 * 128, 16)
const noKey = memory.data(128, 16)
const words = memory.data(60 * 4, 16)
/** The key of the next stream. */
const keyBytes = memory.data(32, 16)
/** Where the bytes of four streams go, one after the other. */
const outBytes: i32 = 262_144
const out = memory.data(262_144, 16)

const rounds: usize = 14
/** What the S-box adds last; it goes through the linear part of a round unchanged and stands in the round keys instead. */
const affine: u32 = 0x63636363

export function keyAt(): usize {
  return keyBytes
}

export function outAt(): usize {
  return out
}

/** Takes the key that stands at `keyAt`. */
export function useKey(): void {
  expandKey()
  for (let i: usize = 0; i <= rounds; i++) {
    const block = v128.xor(v128.load(words + 16 * i), i === 0 ? i32x4.splat(0) : i32x4.splat(affine))
    for (let k: usize = 0; k < 8; k++) v128.store(state + 16 * k, block)
    transpose()
    memory.copy(keyPlanes + 128 * i, state, 128)
  }
}

/** Nothing of a key is left behind. */
export function forget(): void {
  memory.fill(keyBytes, 0, 32)
  memory.fill(words, 0, 240)
  memory.fill(keyPlanes, 0, 15 * 128)
  memory.fill(state, 0, 128)
  memory.fill(out, 0, outBytes)
}

/** Writes blocks of keystream, a multiple of eight of them, to `to`; the first is the stream's block `first`. */
export function keystream(first: u32, blocks: u32, to: usize): void {
  for (let done: u32 = 0; done < blocks; done += 8) {
    for (let i: u32 = 0; i < 8; i++) {
      // The counter is the last word of its block, its highest byte first.
      v128.store(state + 16 * i, i32x4.replace_lane(i32x4.splat(0), 3, bswap<u32>(first + done + i)))
    }
    transpose()
    for (let i: usize = 0; i < 128; i += 16)
      v128.store(state + i, v128.xor(v128.load(state + i), v128.load(keyPlanes + i)))
    for (let i: usize = 1; i < rounds; i++) round(keyPlanes + 128 * i, true)
    round(keyPlanes + 128 * rounds, false)
    transpose()
    memory.copy(to + 16 * done, state, 128)
  }
}

/** FIPS 197, section 5.2, over little-endian words. */
function expandKey(): void {
  memory.copy(words, keyBytes, 32)
  let roundConstant: u32 = 1
  for (let i: usize = 8; i < 60; i++) {
    let word = load<u32>(words + 4 * (i - 1))
    if (i % 8 === 0) {
      word = substituteWord(rotr<u32>(word, 8)) ^ roundConstant
      roundConstant <<= 1
    } else if (i % 8 === 4) word = substituteWord(word)
    store<u32>(words + 4 * i, load<u32>(words + 4 * (i - 8)) ^ word)
  }
}

function substituteWord(word: u32): u32 {
  // The same word in every column: ShiftRows changes nothing of it.
  memory.fill(state, 0, 128)
  v128.store(state, i32x4.splat(word))
  transpose()
  round(noKey, false)
  transpose()
  return load<u32>(state) ^ affine
}

function shifted(plane: v128): v128 {
  return i8x16.shuffle(plane, plane, 0, 5, 10, 15, 4, 9, 14, 3, 8, 13, 2, 7, 12, 1, 6, 11)
}

/** Each byte's lower neighbour in its column. */
function below(plane: v128): v128 {
  return i8x16.shuffle(plane, plane, 1, 2, 3, 0, 5, 6, 7, 4, 9, 10, 11, 8, 13, 14, 15, 12)
}

function twoBelow(plane: v128): v128 {
  return i8x16.shuffle(plane, plane, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13)
}

function mixed(twice: v128, under: v128, both: v128, key: v128): v128 {
  return v128.xor(v128.xor(twice, under), v128.xor(twoBelow(both), key))
}

/** Eight blocks become eight planes, and back: the 8 x 8 bits at each place are mirrored. */
function transpose(): void {
  for (let i: usize = 0; i < 128; i += 32) swap(state + i, 16, 1, 0x55)
  for (let i: usize = 0; i < 128; i += 64) {
    swap(state + i, 32, 2, 0x33)
    swap(state + i + 16, 32, 2, 0x33)
  }
  for (let i: usize = 0; i < 64; i += 16) swap(state + i, 64, 4, 0x0f)
}

function swap(at: usize, apart: usize, by: i32, mask: i8): void {
  const a = v128.load(at)
  const b = v128.load(at + apart)
  const moved = v128.and(v128.xor(i64x2.shr_u(a, by), b), i8x16.splat(mask))
  v128.store(at, v128.xor(a, i64x2.shl(moved, by)))
  v128.store(at + apart, v128.xor(b, moved))
}

/**
 * A round: the S-box without its constant, by the circuit of Boyar and Peralta 2010 ("A new combinational logic minimization
 * technique"), ShiftRows, MixColumns but in the last, and the key. In one piece, so that planes stay in registers.
 */
function round(key: usize, mixes: bool): void {
  const x0 = v128.load(state, 112)
  const x1 = v128.load(state, 96)
  const x2 = v128.load(state, 80)
  const x3 = v128.load(state, 64)
  const x4 = v128.load(state, 48)
  const x5 = v128.load(state, 32)
  const x6 = v128.load(state, 16)
  const x7 = v128.load(state)
  // Into the tower of fields.
  const y14 = v128.xor(x3, x5)
  const y13 = v128.xor(x0, x6)
  const y9 = v128.xor(x0, x3)
  const y8 = v128.xor(x0, x5)
  const t0 = v128.xor(x1, x2)
  const y1 = v128.xor(t0, x7)
  const y4 = v128.xor(y1, x3)
  const y12 = v128.xor(y13, y14)
  const y2 = v128.xor(y1, x0)
  const y5 = v128.xor(y1, x6)
  const y3 = v128.xor(y5, y8)
  const t1 = v128.xor(x4, y12)
  const y15 = v128.xor(t1, x5)
  const y20 = v128.xor(t1, x1)
  const y6 = v128.xor(y15, x7)
  const y10 = v128.xor(y15, t0)
  const y11 = v128.xor(y20, y9)
  const y7 = v128.xor(x7, y11)
  const y17 = v128.xor(y10, y11)
  const y19 = v128.xor(y10, y8)
  const y16 = v128.xor(t0, y11)
  const y21 = v128.xor(y13, y16)
  const y18 = v128.xor(x0, y16)
  // The inverse.
  const t2 = v128.and(y12, y15)
  const t4 = v128.xor(v128.and(y3, y6), t2)
  const t6 = v128.xor(v128.and(y4, x7), t2)
  const t7 = v128.and(y13, y16)
  const t9 = v128.xor(v128.and(y5, y1), t7)
  const t11 = v128.xor(v128.and(y2, y7), t7)
  const t12 = v128.and(y9, y11)
  const t14 = v128.xor(v128.and(y14, y17), t12)
  const t16 = v128.xor(v128.and(y8, y10), t12)
  const t21 = v128.xor(v128.xor(t4, t14), y20)
  const t22 = v128.xor(v128.xor(t6, t16), y19)
  const t23 = v128.xor(v128.xor(t9, t14), y21)
  const t24 = v128.xor(v128.xor(t11, t16), y18)
  const t25 = v128.xor(t21, t22)
  const t26 = v128.and(t21, t23)
  const t27 = v128.xor(t24, t26)
  const t29 = v128.xor(v128.and(t25, t27), t22)
  const t30 = v128.xor(t23, t24)
  const t31 = v128.xor(t22, t26)
  const t33 = v128.xor(v128.and(t31, t30), t24)
  const t34 = v128.xor(t23, t33)
  const t35 = v128.xor(t27, t33)
  const t36 = v128.and(t24, t35)
  const t37 = v128.xor(t36, t34)
  const t38 = v128.xor(t27, t36)
  const t40 = v128.xor(t25, v128.and(t29, t38))
  const t41 = v128.xor(t40, t37)
  const t42 = v128.xor(t29, t33)
  const t43 = v128.xor(t29, t40)
  const t44 = v128.xor(t33, t37)
  const t45 = v128.xor(t42, t41)
  const z0 = v128.and(t44, y15)
  const z1 = v128.and(t37, y6)
  const z2 = v128.and(t33, x7)
  const z3 = v128.and(t43, y16)
  const z4 = v128.and(t40, y1)
  const z5 = v128.and(t29, y7)
  const z6 = v128.and(t42, y11)
  const z7 = v128.and(t45, y17)
  const z8 = v128.and(t41, y10)
  const z9 = v128.and(t44, y12)
  const z10 = v128.and(t37, y3)
  const z11 = v128.and(t33, y4)
  const z12 = v128.and(t43, y13)
  const z13 = v128.and(t40, y5)
  const z14 = v128.and(t29, y2)
  const z15 = v128.and(t42, y9)
  const z16 = v128.and(t45, y14)
  const z17 = v128.and(t41, y8)
  // Back, and the linear part of the affine map.
  const t46 = v128.xor(z15, z16)
  const t47 = v128.xor(z10, z11)
  const t48 = v128.xor(z5, z13)
  const t49 = v128.xor(z9, z10)
  const t50 = v128.xor(z2, z12)
  const t51 = v128.xor(z2, z5)
  const t52 = v128.xor(z7, z8)
  const t53 = v128.xor(z0, z3)
  const t54 = v128.xor(z6, z7)
  const t55 = v128.xor(z16, z17)
  const t56 = v128.xor(z12, t48)
  const t57 = v128.xor(t50, t53)
  const t58 = v128.xor(z4, t46)
  const t59 = v128.xor(z3, t54)
  const t60 = v128.xor(t46, t57)
  const t61 = v128.xor(z14, t57)
  const t62 = v128.xor(t52, t58)
  const t63 = v128.xor(t49, t58)
  const t64 = v128.xor(z4, t59)
  const t65 = v128.xor(t61, t62)
  const t66 = v128.xor(z1, t63)
  const t67 = v128.xor(t64, t65)
  const s3 = v128.xor(t53, t66)
  const p0 = shifted(v128.xor(t48, t60))
  const p1 = shifted(v128.xor(t56, t62))
  const p2 = shifted(v128.xor(t47, t65))
  const p3 = shifted(v128.xor(t51, t66))
  const p4 = shifted(s3)
  const p5 = shifted(v128.xor(t55, t67))
  const p6 = shifted(v128.xor(t64, s3))
  const p7 = shifted(v128.xor(t59, t63))
  if (!mixes) {
    v128.store(state, v128.xor(p0, v128.load(key)))
    v128.store(state, v128.xor(p1, v128.load(key, 16)), 16)
    v128.store(state, v128.xor(p2, v128.load(key, 32)), 32)
    v128.store(state, v128.xor(p3, v128.load(key, 48)), 48)
    v128.store(state, v128.xor(p4, v128.load(key, 64)), 64)
    v128.store(state, v128.xor(p5, v128.load(key, 80)), 80)
    v128.store(state, v128.xor(p6, v128.load(key, 96)), 96)
    v128.store(state, v128.xor(p7, v128.load(key, 112)), 112)
    return
  }
  // With b = p + below(p): 2 b + below(p) + twoBelow(b). 2 b moves each bit one plane up; the highest comes back as x^4 + x^3 + x + 1.
  const u0 = below(p0)
  const u1 = below(p1)
  const u2 = below(p2)
  const u3 = below(p3)
  const u4 = below(p4)
  const u5 = below(p5)
  const u6 = below(p6)
  const u7 = below(p7)
  const b0 = v128.xor(p0, u0)
  const b1 = v128.xor(p1, u1)
  const b2 = v128.xor(p2, u2)
  const b3 = v128.xor(p3, u3)
  const b4 = v128.xor(p4, u4)
  const b5 = v128.xor(p5, u5)
  const b6 = v128.xor(p6, u6)
  const b7 = v128.xor(p7, u7)
  v128.store(state, mixed(b7, u0, b0, v128.load(key)))
  v128.store(state, mixed(v128.xor(b0, b7), u1, b1, v128.load(key, 16)), 16)
  v128.store(state, mixed(b1, u2, b2, v128.load(key, 32)), 32)
  v128.store(state, mixed(v128.xor(b2, b7), u3, b3, v128.load(key, 48)), 48)
  v128.store(state, mixed(v128.xor(b3, b7), u4, b4, v128.load(key, 64)), 64)
  v128.store(state, mixed(b4, u5, b5, v128.load(key, 80)), 80)
  v128.store(state, mixed(b5, u6, b6, v128.load(key, 96)), 96)
  v128.store(state, mixed(b6, u7, b7, v128.load(key, 112)), 112)
}
