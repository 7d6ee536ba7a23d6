import { isAscii } from 'node:buffer'

const newline = 10

interface LineBlock {
  /** Number of the first line, from 1. */
  readonly firstLine: number
  /** Without their line ends; a line longer than the bound is cut just past it. */
  readonly lines: readonly string[]
}

function textOf(bytes: Buffer): string {
  return isAscii(bytes) ? bytes.toString('latin1') : bytes.toString('utf8')
}

function linesOf(bytes: Buffer): string[] {
  const text = textOf(bytes)
  const lines = text.split('\n')
  if (text.includes('\r')) {
    for (let i = 0; i < lines.length; i++) {
      const line = lines[i]
      if (line?.endsWith('\r')) lines[i] = line.slice(0, -1)
    }
  }
  return lines
}

/**
 * Splits bytes into numbered lines, block by block, with bounded memory whatever the length of a line.
 * A byte order mark goes. The last line needs no line end; when `source` throws, an unfinished line is dropped.
 *
 * @param lineBytesMax  Bytes kept of an unfinished line; the rest of it is skipped.
 */
export async function* replayLines(
  source: AsyncIterable<Buffer>,
  lineBytesMax: number,
): AsyncGenerator<LineBlock, void, undefined> {
  let carry: Buffer = Buffer.alloc(0)
  let firstLine = 1
  let atStart = true
  for await (const chunk of source) {
    let bytes = carry.length === 0 ? chunk : Buffer.concat([carry, chunk])
    if (atStart && bytes.length >= 3) {
      if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) bytes = bytes.subarray(3)
      atStart = false
    }
    const end = bytes.lastIndexOf(newline)
    carry = Buffer.from(bytes.subarray(end + 1))
    // The excess byte tells the parser that the line was too long.
    if (carry.length > lineBytesMax) carry = carry.subarray(0, lineBytesMax + 1)
    if (end < 0) continue
    const lines = linesOf(bytes.subarray(0, end))
    yield { firstLine, lines }
    firstLine += lines.length
  }
  if (carry.length > 0) yield { firstLine, lines: linesOf(carry) }
}
