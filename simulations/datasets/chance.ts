/** The distributions that the generators draw from. */

import type { Stream } from '../../protocol/stream.ts'

export const logistic = (logit: number): number => 1 / (1 + Math.exp(-logit))

export const coin = (stream: Stream, probability: number): boolean => stream.uniform() < probability

/** Normal with mean and standard deviation, held inside [low, high]. */
export function normalWithin(
  stream: Stream,
  [mean, deviation]: readonly [number, number],
  [low, high]: readonly [number, number],
): number {
  return Math.min(high, Math.max(low, mean + deviation * stream.normal()))
}

/** One of the keys, in proportion to its weight. */
export function pick<Key extends string>(stream: Stream, weights: Readonly<Record<Key, number>>): Key {
  const keys = Object.keys(weights).filter((key): key is Key => Object.hasOwn(weights, key))
  let left = stream.uniform() * keys.reduce((sum, key) => sum + weights[key], 0)
  for (const key of keys) {
    left -= weights[key]
    if (left < 0) return key
  }
  return keys[keys.length - 1]
}

export const rounded = (value: number, digits: number): number => Number(value.toFixed(digits))
