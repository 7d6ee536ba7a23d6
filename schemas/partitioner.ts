/** Kafka's murmur2 of `bytes`, as an unsigned 31-bit number: what every Kafka client's default partitioner uses. */
export function murmur2(bytes: Uint8Array): number {
  const m = 0x5bd1e995
  const length = bytes.length
  let h = 0x9747b28c ^ length
  const words = length >> 2
  for (let i = 0; i < words; i++) {
    const p = i << 2
    let k =
      (bytes[p] as number) |
      ((bytes[p + 1] as number) << 8) |
      ((bytes[p + 2] as number) << 16) |
      ((bytes[p + 3] as number) << 24)
    k = Math.imul(k, m)
    k ^= k >>> 24
    k = Math.imul(k, m)
    h = Math.imul(h, m) ^ k
  }
  const tail = words << 2
  const rest = length & 3
  if (rest === 3) h ^= (bytes[tail + 2] as number) << 16
  if (rest >= 2) h ^= (bytes[tail + 1] as number) << 8
  if (rest >= 1) h = Math.imul(h ^ (bytes[tail] as number), m)
  h ^= h >>> 13
  h = Math.imul(h, m)
  h ^= h >>> 15
  return h & 0x7fffffff
}

/** Partition of a key among `count`, the same in every Kafka client. */
export function partitionOfKey(key: string, count: number): number {
  return murmur2(Buffer.from(key)) % count
}
