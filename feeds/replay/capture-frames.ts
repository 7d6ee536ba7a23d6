import { readBinanceFrame } from './binance-frames.ts'
import { readCoinbaseFrame } from './coinbase-frames.ts'
import { readKrakenFrame } from './kraken-frames.ts'
import type { LineParser, LineParserOptions } from './line-parser.ts'
import { fieldOf } from './line-parser.ts'

const nanosecondsPattern = /^(\d{16,20}) (?=[[{])/
const secondsPattern = /^(\d{1,12}(?:\.\d{1,9})?): (?=[[{])/
const clientPattern = /^wss?:\/\//

/** Whether a file's first line is one of a raw capture. */
export function isCapture(line: string): boolean {
  return clientPattern.test(line) || nanosecondsPattern.test(line) || secondsPattern.test(line)
}

/**
 * Reads raw captures: `<receive ns> {json}`, and cryptofeed's `<unix seconds>: {json}` with its `wss://…` lines of
 * what the client sent. The venue is told by the frame's shape.
 */
export function createCaptureFrames(options: LineParserOptions): LineParser {
  return (line, position, sink) => {
    if (clientPattern.test(line)) {
      sink.ignore()
      return
    }
    const nanoseconds = nanosecondsPattern.exec(line)
    const prefix = nanoseconds ?? secondsPattern.exec(line)
    if (prefix === null) {
      sink.refuse('MALFORMED', 'A captured line begins with its time of receipt')
      return
    }
    const received = Math.floor(nanoseconds === null ? Number(prefix[1]) * 1_000 : Number(prefix[1]) / 1_000_000)
    let frame: unknown
    try {
      frame = JSON.parse(line.slice(prefix[0].length))
    } catch {
      sink.refuse('MALFORMED', 'A captured frame is JSON')
      return
    }
    if (Array.isArray(frame)) readKrakenFrame(frame, position, received, options, sink)
    else if (fieldOf(frame, 'stream') !== undefined) readBinanceFrame(frame, position, received, options, sink)
    else readCoinbaseFrame(frame, position, received, options, sink)
  }
}
