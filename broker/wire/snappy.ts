/** Header of the framing that Java's clients put round Snappy blocks. */
const javaMagic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0])
const javaHeaderBytes = 16

/**
 * Unpacks Snappy, bare or in Java's framing.
 *
 * @see https://github.com/google/snappy/blob/main/format_description.txt
 * @throws {RangeError} When the bytes are not Snappy, or unpack to more than `bytesMax`.
 */
export function snappyDecompress(bytes: Buffer, bytesMax: number): Buffer {
  if (!bytes.subarray(0, javaMagic.length).equals(javaMagic)) return decompressBlock(bytes, bytesMax)
  let left = bytesMax
  const blocks: Buffer[] = []
  for (let at = javaHeaderBytes; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at)
    at += 4
    const block = decompressBlock(bytes.subarray(at, at + length), left)
    left -= block.length
    blocks.push(block)
    at += length
  }
  return Buffer.concat(blocks)
}

/** Snappy without packing anything: literals only. Enough for a producer that is told to use it. */
export function snappyStore(bytes: Buffer): Buffer {
  const parts = [varint(bytes.length)]
  for (let at = 0; at < bytes.length; at += 65_536) {
    const literal = bytes.subarray(at, at + 65_536)
    const tag = Buffer.from([61 << 2, 0, 0])
    tag.writeUInt16LE(literal.length - 1, 1)
    parts.push(tag, literal)
  }
  return Buffer.concat(parts)
}

function decompressBlock(bytes: Buffer, bytesMax: number): Buffer {
  let at = 0
  let length = 0
  for (let shift = 0; ; shift += 7) {
    const byte = bytes.readUInt8(at)
    at += 1
    length += (byte & 0x7f) * 2 ** shift
    if (byte < 0x80) break
    if (shift > 28) throw new RangeError('the length of a Snappy block has at most 5 bytes')
  }
  if (length > bytesMax) throw new RangeError(`a Snappy block unpacks to at most ${bytesMax} bytes, was ${length}`)
  const out = Buffer.alloc(length)
  let to = 0
  while (at < bytes.length) {
    const tag = bytes.readUInt8(at)
    at += 1
    const kind = tag & 3
    if (kind === 0) {
      let size = (tag >> 2) + 1
      if (size > 60) {
        const sizeBytes = size - 60
        size = bytes.readUIntLE(at, sizeBytes) + 1
        at += sizeBytes
      }
      if (at + size > bytes.length || to + size > length) throw new RangeError('a Snappy literal ends in its block')
      bytes.copy(out, to, at, at + size)
      at += size
      to += size
      continue
    }
    const size = kind === 1 ? ((tag >> 2) & 7) + 4 : (tag >> 2) + 1
    const offsetBytes = kind === 1 ? 1 : kind === 2 ? 2 : 4
    const offset = bytes.readUIntLE(at, offsetBytes) + (kind === 1 ? (tag >> 5) << 8 : 0)
    at += offsetBytes
    if (offset === 0 || offset > to || to + size > length) throw new RangeError('a Snappy copy stays in its block')
    for (let i = 0; i < size; i++) out[to + i] = out[to + i - offset] ?? 0 // it may overlap itself
    to += size
  }
  if (to !== length) throw new RangeError(`a Snappy block unpacks to ${length} bytes, was ${to}`)
  return out
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80)
  bytes.push(rest)
  return Buffer.from(bytes)
}
