import type { WireEvent, WireWatch } from './fault-proxy.ts'

/** Bytes of a message whose begin was seen that are still to come, and the header of one that is not whole. */
interface Framing {
  readonly headerBytes: number
  /** Bytes of the whole message, its header included. */
  lengthOf(header: Buffer): number
  pointOf(header: Buffer): string | undefined
  /** Is given the beginning of the body of each message, where it says more than the header. */
  body?(header: Buffer, beginning: Buffer): void
}

/** As much of a body as is looked at. */
const beginningBytesMax = 4096

/** Tells a point right before each message that has one. */
function watchFrames(framing: Framing): WireWatch {
  let left = 0
  let header = Buffer.alloc(0)
  let beginning = Buffer.alloc(0)
  /** Of the message whose body is coming. */
  let headerOfBody = header
  return {
    sent(chunk) {
      const events: WireEvent[] = []
      let at = 0
      while (at < chunk.length) {
        if (left > 0) {
          const taken = Math.min(left, chunk.length - at)
          const looked = Math.min(taken, beginningBytesMax - beginning.length)
          if (framing.body !== undefined) beginning = Buffer.concat([beginning, chunk.subarray(at, at + looked)])
          left -= taken
          at += taken
          if (left === 0) framing.body?.(headerOfBody, beginning)
          continue
        }
        const begin = at
        const taken = chunk.subarray(at, at + framing.headerBytes - header.length)
        header = Buffer.concat([header, taken])
        at += taken.length
        if (header.length < framing.headerBytes) break
        left = framing.lengthOf(header) - framing.headerBytes
        const point = framing.pointOf(header)
        if (point !== undefined) events.push({ point, at: begin, bytes: left + framing.headerBytes })
        headerOfBody = header
        beginning = Buffer.alloc(0)
        header = Buffer.alloc(0)
      }
      return events
    },
  }
}

const copyOfQuery = /\bCOPY [^;]* FROM STDIN/g

/**
 * What a PostgreSQL client does: `copy` before each piece of a COPY, `copied` before the end of one that others of the same query
 * follow, `copy-done` before the message that lets a commit go.
 */
export function watchPostgres(): WireWatch {
  let isStarted = false
  let copiesLeft = 0
  return watchFrames({
    // The first message has no type: four bytes of its length, then the version.
    headerBytes: 5,
    lengthOf(header) {
      const startup = !isStarted
      isStarted = true
      return startup ? header.readInt32BE(0) : 1 + header.readInt32BE(1)
    },
    pointOf(header) {
      const type = String.fromCharCode(header[0] ?? 0)
      if (type === 'd') return 'copy'
      if (type === 'X') return 'terminate'
      if (type !== 'c') return undefined
      copiesLeft -= 1
      return copiesLeft > 0 ? 'copied' : 'copy-done'
    },
    body(header, beginning) {
      if (String.fromCharCode(header[0] ?? 0) === 'Q')
        copiesLeft = beginning.toString('latin1').match(copyOfQuery)?.length ?? 0
    },
  })
}

const kafkaPoints: Readonly<Record<number, string>> = {
  0: 'produce',
  8: 'offset-commit',
  11: 'join',
  13: 'leave',
  14: 'sync',
  22: 'init-producer',
  24: 'add-partitions',
  26: 'end-transaction',
}

/** What a Kafka client asks for, before each request. */
export function watchKafka(): WireWatch {
  return watchFrames({
    headerBytes: 6,
    lengthOf: (header) => 4 + header.readInt32BE(0),
    pointOf: (header) => kafkaPoints[header.readInt16BE(4)],
  })
}
