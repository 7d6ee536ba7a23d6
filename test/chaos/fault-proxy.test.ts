import { connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts'
import { watchKafka, watchPostgres } from './wire-watches.ts'

const startup = Buffer.concat([Buffer.of(0, 0, 0, 12, 0, 3, 0, 0), Buffer.from('ab\0\0')])
const message = (type: string, body: string): Buffer => {
  const head = Buffer.alloc(5)
  head.write(type, 'latin1')
  head.writeInt32BE(4 + body.length, 1)
  return Buffer.concat([head, Buffer.from(body)])
}
const request = (apiKey: number, bytes: number): Buffer => {
  const whole = Buffer.alloc(4 + bytes)
  whole.writeInt32BE(bytes, 0)
  whole.writeInt16BE(apiKey, 4)
  return whole
}

describe('points are told, however the bytes are cut into chunks', () => {
  it.each([1, 2, 3, 7, 1000])('chunks of %d', (size) => {
    const postgres = Buffer.concat([
      startup,
      message('Q', 'COPY'),
      message('d', 'rows'),
      message('c', ''),
      message('Q', 'x'),
      message('Q', 'COPY a (b, c) FROM STDIN (FORMAT binary); COPY d FROM STDIN; INSERT'),
      ...[message('d', 'rows'), message('c', ''), message('d', 'rows'), message('c', '')],
    ])
    const kafka = Buffer.concat([request(3, 20), request(26, 9), request(0, 40), request(11, 2)])
    const pointsOf = (bytes: Buffer, watch = watchPostgres()): string[] => {
      const found: string[] = []
      for (let at = 0; at < bytes.length; at += size)
        for (const { point } of watch.sent(bytes.subarray(at, at + size))) found.push(point)
      return found
    }
    expect(pointsOf(postgres)).toEqual(['copy', 'copy-done', 'copy', 'copied', 'copy', 'copy-done'])
    expect(pointsOf(kafka, watchKafka())).toEqual(['end-transaction', 'produce', 'join'])
  })

  it('tells where in the chunk a point is', () => {
    const bytes = Buffer.concat([startup, message('Q', 'COPY'), message('c', '')])
    expect(watchPostgres().sent(bytes)).toEqual([{ point: 'copy-done', at: bytes.length - 5, bytes: 5 }])
  })
})

describe('a proxy', () => {
  let echo: Server
  let proxy: FaultProxy
  const arrived: string[] = []
  let accepted: Socket[] = []
  beforeEach(async () => {
    arrived.length = 0
    accepted = []
    echo = createServer((socket) => {
      accepted.push(socket)
      socket.on('error', () => undefined)
      socket.on('data', (chunk) => {
        arrived.push(chunk.toString('latin1'))
        socket.write(chunk)
      })
    })
    await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve))
    const address = echo.address()
    proxy = await startFaultProxy(typeof address === 'object' && address !== null ? address.port : 0, watchPostgres)
  })
  afterEach(async () => {
    await proxy.close()
    for (const socket of accepted) socket.destroy()
    await new Promise((resolve) => echo.close(resolve))
  })

  const client = async () => {
    const socket = connect(proxy.port, '127.0.0.1')
    let heard = ''
    let isClosed = false
    socket.on('data', (chunk) => {
      heard += chunk.toString('latin1')
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      isClosed = true
    })
    await new Promise((resolve) => socket.on('connect', resolve))
    return { socket, heard: () => heard, isClosed: () => isClosed }
  }
  const sent = startup.toString('latin1')

  it('passes both ways, later when it is told so', async () => {
    const one = await client()
    proxy.latencyMs = 100
    const before = performance.now()
    one.socket.write(startup)
    await expect.poll(one.heard).toBe(sent)
    expect(performance.now() - before).toBeGreaterThanOrEqual(190)
    one.socket.destroy()
  })

  it('cuts at a point: what came before it has passed, it and what follows has not', async () => {
    const one = await client()
    proxy.onPoint = (point, passage) => {
      if (point === 'copy-done') setTimeout(() => passage.cut(), 50)
      if (point === 'copy-done') passage.hold(1_000)
    }
    one.socket.write(Buffer.concat([startup, message('d', 'rows'), message('c', '')]))
    await expect.poll(one.isClosed).toBe(true)
    expect(arrived.join('')).toBe(sent + message('d', 'rows').toString('latin1'))
  })

  it('cuts within a message: the first bytes of it have passed', async () => {
    const one = await client()
    proxy.onPoint = (point, passage, bytes) => {
      if (point === 'copy') passage.cutAfter(bytes - 2)
    }
    one.socket.write(Buffer.concat([startup, message('d', 'rows'), message('c', '')]))
    await expect.poll(one.isClosed).toBe(true)
    expect(arrived.join('')).toBe(sent + message('d', 'rows').toString('latin1').slice(0, -2))
  })

  it('loses an answer: what was sent arrives, the connection ends instead of the answer', async () => {
    const one = await client()
    let lost = ''
    proxy.onPoint = (_, passage) =>
      passage.loseAnswer((answer) => {
        lost = answer.toString('latin1')
      })
    one.socket.write(startup)
    await expect.poll(one.heard).toBe(sent)
    one.socket.write(message('c', ''))
    await expect.poll(one.isClosed).toBe(true)
    expect(one.heard()).toBe(sent)
    expect(arrived.join('')).toBe(sent + message('c', '').toString('latin1'))
    expect(lost).toBe(message('c', '').toString('latin1'))
  })

  it('swallows what is open, and passes what comes later; a black hole swallows both', async () => {
    const [old, lost] = [await client(), await client()]
    expect(proxy.swallowAll()).toBe(2)
    old.socket.write(startup)
    const fresh = await client()
    fresh.socket.write(startup)
    await expect.poll(fresh.heard).toBe(sent)
    proxy.blackHole()
    lost.socket.write(startup)
    const later = await client()
    later.socket.write(startup)
    await sleep(100)
    expect([old.heard(), lost.heard(), later.heard()]).toEqual(['', '', ''])
    expect([old.isClosed(), lost.isClosed(), later.isClosed()]).toEqual([false, false, false])
    for (const { socket } of [old, lost, fresh, later]) socket.destroy()
  })

  it('half-opens: the server sees the end, the client nothing', async () => {
    const one = await client()
    one.socket.write(startup)
    await expect.poll(one.heard).toBe(sent)
    proxy.halfOpenAll()
    await expect.poll(() => accepted[0]?.readableEnded === true || accepted[0]?.destroyed === true).toBe(true)
    expect(one.isClosed()).toBe(false)
    one.socket.destroy()
  })
})
