// The clients of the bench `gateway`, in a process of their own: bare sockets that count frames and read none.
import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'

const opcode = { text: 1, ping: 9, pong: 10 } as const
const progressEveryMs = 5
const [, , portText = '', clientsText = '', channelsText = '', ...channels] = process.argv
const channelsOfClient = Number(channelsText)

let subscribed = 0
let updates = 0
let reported = 0

/** A client's frame: masked with zeros, which leaves its bytes as they are. */
function frame(code: number, payload: Buffer): Buffer {
  const head =
    payload.length < 126
      ? Buffer.of(0x80 | code, 0x80 | payload.length)
      : Buffer.of(0x80 | code, 0x80 | 126, payload.length >> 8, payload.length & 0xff)
  return Buffer.concat([head, Buffer.alloc(4), payload])
}

function take(socket: Socket, code: number, bytes: Buffer, from: number, to: number): void {
  if (code === opcode.ping) socket.write(frame(opcode.pong, bytes.subarray(from, to)))
  // {"type":"u", and {"type":"snapshot",
  else if (code === opcode.text && bytes[from + 9] === 0x75) updates += 1
  else if (code === opcode.text && bytes.toString('latin1', from + 9, from + 17) === 'snapshot') subscribed += 1
}

/** Takes every whole frame. @returns Where the rest begins. */
function takeFrames(socket: Socket, bytes: Buffer): number {
  let at = 0
  for (;;) {
    if (bytes.length < at + 2) return at
    const short = (bytes[at + 1] ?? 0) & 127
    const headBytes = short < 126 ? 2 : short === 126 ? 4 : 10
    if (bytes.length < at + headBytes) return at
    const size =
      short < 126 ? short : short === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2))
    if (bytes.length < at + headBytes + size) return at
    take(socket, (bytes[at] ?? 0) & 15, bytes, at + headBytes, at + headBytes + size)
    at += headBytes + size
  }
}

function start(symbols: readonly string[]): void {
  const socket = connect(Number(portText), '127.0.0.1')
  let rest: Buffer = Buffer.alloc(0)
  let isOpen = false
  socket.on('error', (error) => {
    process.stderr.write(`${error.message}\n`)
    process.exit(1)
  })
  socket.on('data', (data) => {
    let bytes = rest.length === 0 ? data : Buffer.concat([rest, data])
    if (!isOpen) {
      const end = bytes.indexOf('\r\n\r\n')
      if (end >= 0) {
        isOpen = true
        bytes = bytes.subarray(end + 4)
        const op = {
          op: 'subscribe',
          id: 1,
          channels: symbols.map((symbol) => ({ symbol, interval: '1m', snapshot: 1 })),
        }
        socket.write(frame(opcode.text, Buffer.from(JSON.stringify(op))))
      }
    }
    rest = isOpen ? bytes.subarray(takeFrames(socket, bytes)) : bytes
  })
  socket.write(
    [
      'GET /v1/stream HTTP/1.1',
      `Host: 127.0.0.1:${portText}`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Protocol: candles.v1',
      `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
      '\r\n',
    ].join('\r\n'),
  )
}

for (let i = 0; i < Number(clientsText); i++)
  start(
    Array.from({ length: channelsOfClient }, (_, k) => channels[(i * channelsOfClient + k) % channels.length] ?? ''),
  )
setInterval(() => {
  if (subscribed + updates === reported) return
  reported = subscribed + updates
  process.send?.({ subscribed, updates })
}, progressEveryMs)
process.on('disconnect', () => process.exit(0))
