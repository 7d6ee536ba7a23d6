import { connect, type Socket } from 'node:net'
import { messageOf, TransientError } from '../../schemas/errors.ts'
import type { Request } from './requests.ts'
import { WireReader } from './wire-reader.ts'
import { WireWriter } from './wire-writer.ts'

/** Bounds of one call: repeating it is up to whoever made it. */
const connectMsMax = 3_000
export const requestMsMax = 7_000
const keepAliveMs = 10_000
/** An answer to Fetch is the largest: one batch may be larger than what was asked for. */
const answerBytesMax = 256 * 1024 * 1024

export interface Address {
  readonly host: string
  readonly port: number
}

/** One connection to one broker; requests are answered in their order. */
export interface Connection {
  /** No more can be asked. */
  readonly isClosed: boolean
  /** `performance.now()` of the last bytes from the broker. */
  readonly heardAt: number
  /**
   * @throws {TransientError} `BROKER_UNREACHABLE`: no answer came, or none in time, which ends the connection.
   * @throws {KafkaRefusal} The answer is an error.
   */
  call<Arguments extends readonly unknown[], Answer>(
    request: Request<Arguments, Answer>,
    ...args: Arguments
  ): Promise<Answer>
  /** Ends it; what is not answered fails. */
  end(why: string): void
}

interface Pending {
  answered(body: Buffer): void
  failed(error: Error): void
}

export interface ConnectionOptions {
  readonly clientId: string
  /** A request had no answer in time. @param sentAt `performance.now()` when it was sent. */
  onUnanswered(sentAt: number): void
}

/** @throws {TransientError} `BROKER_UNREACHABLE` */
export async function openConnection(address: Address, options: ConnectionOptions): Promise<Connection> {
  return overSocket(await connected(address), address, options)
}

function connected({ host, port }: Address): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true })
    socket.setKeepAlive(true, keepAliveMs)
    const failed = (why: string): void => {
      socket.destroy()
      reject(unreachable({ host, port }, why))
    }
    const late = setTimeout(failed, connectMsMax, `no connection within ${connectMsMax} ms`)
    socket.once('error', (error) => {
      clearTimeout(late)
      failed(messageOf(error))
    })
    socket.once('connect', () => {
      clearTimeout(late)
      socket.removeAllListeners('error')
      resolve(socket)
    })
  })
}

function overSocket(socket: Socket, address: Address, { clientId, onUnanswered }: ConnectionOptions): Connection {
  const pending = new Map<number, Pending>()
  const frames = createFrames()
  let correlation = 0
  let isClosed = false
  let heardAt = performance.now()

  function end(why: string): void {
    if (isClosed) return
    isClosed = true
    socket.destroy()
    const error = unreachable(address, why)
    for (const { failed } of pending.values()) failed(error)
    pending.clear()
  }

  function take(frame: Buffer): void {
    const id = frame.readInt32BE(0)
    const asked = pending.get(id)
    if (asked === undefined) throw new RangeError(`an answer to request ${id}, which was not made`)
    pending.delete(id)
    asked.answered(frame.subarray(4))
  }

  socket.on('data', (chunk) => {
    heardAt = performance.now()
    try {
      frames.push(chunk, take)
    } catch (error) {
      end(messageOf(error))
    }
  })
  socket.on('error', (error) => end(messageOf(error)))
  socket.on('close', () => end('the connection ended'))

  return {
    get isClosed() {
      return isClosed
    },
    get heardAt() {
      return heardAt
    },
    call: (request, ...args) =>
      new Promise((resolve, reject) => {
        if (isClosed) return reject(unreachable(address, 'the connection ended'))
        const { key, version, isFlexible } = request
        correlation = (correlation + 1) & 0x7fff_ffff
        const id = correlation
        const writer = new WireWriter(isFlexible)
        writer.int16(key).int16(version).int32(id).header(clientId)
        request.write(writer, ...args)
        const sentAt = performance.now()
        const unanswered = (): void => {
          if (!pending.has(id)) return
          end(`no answer within ${requestMsMax} ms`)
          onUnanswered(sentAt)
        }
        // What came while this thread was busy is taken first.
        const late = setTimeout(() => setImmediate(unanswered), requestMsMax)
        pending.set(id, {
          answered(body) {
            clearTimeout(late)
            try {
              const reader = new WireReader(body, isFlexible)
              reader.end() // of the header
              resolve(request.read(reader))
            } catch (error) {
              reject(error instanceof Error ? error : new Error(String(error)))
            }
          },
          failed(error) {
            clearTimeout(late)
            reject(error)
          },
        })
        socket.write(writer.finish())
      }),
    end,
  }
}

/** Cuts a stream of bytes into what their lengths say. */
function createFrames() {
  const lengthBytes = Buffer.alloc(4)
  let lengthFilled = 0
  let frame: Buffer | undefined
  let filled = 0
  return {
    push(chunk: Buffer, take: (frame: Buffer) => void): void {
      for (let at = 0; at < chunk.length; ) {
        if (frame === undefined) {
          const part = chunk.copy(lengthBytes, lengthFilled, at, at + 4 - lengthFilled)
          at += part
          lengthFilled += part
          if (lengthFilled < 4) return
          const length = lengthBytes.readInt32BE(0)
          if (length < 4 || length > answerBytesMax) throw new RangeError(`an answer of ${length} bytes`)
          // Most come whole, and are read where they are.
          if (chunk.length - at >= length) {
            lengthFilled = 0
            take(chunk.subarray(at, at + length))
            at += length
            continue
          }
          frame = Buffer.allocUnsafeSlow(length)
          filled = 0
        }
        const part = chunk.copy(frame, filled, at, at + frame.length - filled)
        at += part
        filled += part
        if (filled < frame.length) return
        const whole = frame
        frame = undefined
        lengthFilled = 0
        take(whole)
      }
    },
  }
}

function unreachable({ host, port }: Address, why: string): TransientError {
  return new TransientError({
    code: 'BROKER_UNREACHABLE',
    message: `no broker answers at ${host}:${port}`,
    why,
    hint: 'start it, or correct REDPANDA_BROKERS',
  })
}
