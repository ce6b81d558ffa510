/** Fast Fourier transform over a power of two, in place: Cooley and Tukey 1965. */

/** `sign` -1 transforms, +1 transforms back without the division by the length. */
export function fourier(re: Float64Array, im: Float64Array, sign: -1 | 1): void {
  const n = re.length
  reverseBits(re, im)
  const cos = new Float64Array(n / 2)
  const sin = new Float64Array(n / 2)
  for (let size = 2; size <= n; size *= 2) {
    const half = size / 2
    const angle = (sign * 2 * Math.PI) / size
    for (let k = 0; k < half; k++) {
      cos[k] = Math.cos(angle * k)
      sin[k] = Math.sin(angle * k)
    }
    for (let start = 0; start < n; start += size) {
      for (let k = 0; k < half; k++) {
        const [low, high] = [start + k, start + k + half]
        const real = re[high] * cos[k] - im[high] * sin[k]
        const imaginary = re[high] * sin[k] + im[high] * cos[k]
        re[high] = re[low] - real
        im[high] = im[low] - imaginary
        re[low] += real
        im[low] += imaginary
      }
    }
  }
}

function reverseBits(re: Float64Array, im: Float64Array): void {
  const n = re.length
  for (let i = 1, j = 0; i < n; i++) {
    let bit = n >> 1
    for (; j & bit; bit >>= 1) j ^= bit
    j ^= bit
    if (i >= j) continue
    const [real, imaginary] = [re[i], im[i]]
    re[i] = re[j]
    im[i] = im[j]
    re[j] = real
    im[j] = imaginary
  }
}
