const twoTo32 = 0x1_0000_0000
const highBits = 0x1f_ffff

/** One FNV-1a pass with a final avalanche: FNV alone leaves near-equal texts near each other. */
function hash32(text: string, seed: number): number {
  let hash = seed
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
    hash ^= hash >>> 15
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

/**
 * Stable 53-bit number of a text: the same on every machine and in every version, since stored ids depend on it.
 *
 * @returns A safe integer >= 1.
 */
export function hashId(text: string): number {
  const value = (hash32(text, 0x811c9dc5) & highBits) * twoTo32 + hash32(text, 0x2f0b4c47)
  return value === 0 ? 1 : value
}
