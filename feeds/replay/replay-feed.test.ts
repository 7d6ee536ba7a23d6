import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, expect, it } from 'vitest'
import type { ControlRecord } from '../../schemas/control.ts'
import { exitCodes, FatalError } from '../../schemas/errors.ts'
import { createManualClock, createRecordedOutput, isControl, type RecordedOutput } from '../recorded-output.ts'
import { createReplayFeed, type ReplayFeedOptions } from './replay-feed.ts'

const folder = mkdtempSync(join(tmpdir(), 'redwick-replay-'))
afterAll(() => rmSync(folder, { recursive: true }))

const none = { cursors: new Map<number, string>() }
const now = Date.UTC(2026, 0, 1)
let files = 0

function fileOf(content: string | Uint8Array, name = `f${++files}.csv`): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

type Some = Partial<ReplayFeedOptions> & { readonly signal?: AbortSignal; readonly output?: RecordedOutput }

async function replay(file: string, some: Some = {}) {
  const { signal = new AbortController().signal, output = createRecordedOutput(2), ...rest } = some
  const log = () => undefined
  const clock = createManualClock(now)
  const options = { file, speed: 'max', ids: 'auto', clock, outOfOrdernessMs: 0, log, ...rest } as const
  const summary = await createReplayFeed(options).run(output, none, signal)
  return { output, summary, ticks: output.ticks() }
}

function controls<K extends ControlRecord['kind']>(output: RecordedOutput, kind: K, partition = 0) {
  const found: Extract<ControlRecord, { kind: K }>[] = []
  const isKind = (record: ControlRecord): record is Extract<ControlRecord, { kind: K }> => record.kind === kind
  for (const record of output.records[partition] ?? []) if (isControl(record) && isKind(record)) found.push(record)
  return found
}

const two = 'A,1000,1.5,2,buy,7\nB,2500,3,4,S,x-1\n'

it.each([
  { name: 'a file without a header is read by place', content: two },
  { name: 'a header names the columns', content: `symbol,ts_ms,price,size,side,trade_id\n${two}` },
  {
    name: 'a header may order the columns otherwise',
    content: 'trade_id,side,SIZE,price,ts_ms,Symbol\n7,BUY,2,1.5,1000,A\nx-1,sell,4,3,2500,B',
  },
  { name: 'lines may end with CR LF', content: two.replaceAll('\n', '\r\n') },
  { name: 'a byte order mark is skipped', content: `\u{feff}${two}` },
  { name: 'the last line needs no end', content: two.trimEnd() },
  { name: 'blank lines hold nothing', content: `\n${two.replaceAll('\n', '\n\n')}` },
  { name: 'gzip is told by its first bytes', content: gzipSync(two) },
  {
    name: 'gzip may have several members',
    content: Buffer.concat([gzipSync(two.slice(0, 9)), gzipSync(two.slice(9))]),
  },
])('$name', async ({ content }) => {
  const { ticks, summary } = await replay(fileOf(content))
  const [a, b] = ticks
  expect(summary).toEqual({ ticks: 2, refused: 0 })
  expect(a).toMatchObject({ symbol: 'A', eventTime: 1000, price: 1.5, size: 2, side: 'buy', tradeId: 7, sequence: 7 })
  expect(a).toMatchObject({ idOrder: 'monotonic', line: 'replay', ingestTime: 1000 })
  expect(b).toMatchObject({ symbol: 'B', eventTime: 2500, price: 3, size: 4, side: 'sell', idOrder: 'unordered' })
  expect(Number.isSafeInteger(b?.tradeId) && (b?.tradeId ?? 0) > 0).toBe(true)
})

it.each([
  { name: 'a field too few', line: 'A,1,1,1,buy', reason: 'MALFORMED' },
  { name: 'a field too many', line: 'A,1,1,1,buy,1,1', reason: 'MALFORMED' },
  { name: 'an empty price', line: 'A,1,,1,buy,1', reason: 'BAD_PRICE' },
  { name: 'a price that is no number', line: 'A,1,NaN,1,buy,1', reason: 'BAD_PRICE' },
  { name: 'an infinite price', line: 'A,1,1e999,1,buy,1', reason: 'BAD_PRICE' },
  { name: 'a hexadecimal price', line: 'A,1,0x10,1,buy,1', reason: 'BAD_PRICE' },
  { name: 'a size with a blank', line: 'A,1,1, 1,buy,1', reason: 'BAD_SIZE' },
  { name: 'a time with a fraction', line: 'A,1.5,1,1,buy,1', reason: 'BAD_TIME' },
  { name: 'a time beyond safe integers', line: 'A,9007199254740993,1,1,buy,1', reason: 'BAD_TIME' },
  { name: 'an unknown side', line: 'A,1,1,1,long,1', reason: 'MALFORMED' },
  { name: 'a NUL character', line: 'A,1,1,1,buy,\0', reason: 'MALFORMED' },
  { name: 'a line over 64 KiB', line: `A,1,1,1,buy,${'9'.repeat(65_536)}`, reason: 'OVERSIZED' },
  { name: 'a line over every buffer', line: 'x'.repeat(5_000_000), reason: 'OVERSIZED' },
])('$name is rejected with its place, and the run goes on', async ({ line, reason }) => {
  const file = fileOf(`A,1000,1,1,buy,1\n${line}\nA,1001,1,1,buy,2\n`)
  const { output, summary } = await replay(file)
  expect(summary).toEqual({ ticks: 2, refused: 1 })
  const [reject] = controls(output, 'reject')
  expect(reject).toMatchObject({ position: 2, reason, line: 'replay', source: `f${files}.csv:2` })
  expect(reject?.payload).toBe(line.slice(0, 4096))
})

it.each([
  { name: 'a price of 0', line: 'A,1000,0,1,buy,1' },
  { name: 'a negative size', line: 'A,1000,1,-1,buy,1' },
  { name: 'a bad symbol', line: 'Ä,1000,1,1,buy,1' },
])('$name is left to the engine and moves no heartbeat', async ({ line }) => {
  const { output, summary } = await replay(fileOf(line))
  expect(summary).toEqual({ ticks: 1, refused: 0 })
  expect(controls(output, 'heartbeat')).toEqual([])
})

it('an event far in the future moves no heartbeat and holds up no pace', async () => {
  const clock = createManualClock(now)
  const { output } = await replay(fileOf(`A,1000,1,1,b,1\nA,${now * 1000},1,1,b,2\nA,2000,1,1,b,3\n`), {
    speed: 1,
    clock,
  })
  expect(controls(output, 'heartbeat').at(-1)?.to).toBe(2000)
  expect(clock.now() - now).toBe(1000)
})

it.each([
  { ids: 'auto', id: '5', want: { tradeId: 5, idOrder: 'monotonic', sequence: 5 } },
  { ids: 'unordered', id: '5', want: { tradeId: 5, idOrder: 'unordered', sequence: 1 } },
  { ids: 'auto', id: '9007199254740991', want: { idOrder: 'monotonic', sequence: Number.MAX_SAFE_INTEGER } },
  { ids: 'auto', id: '9007199254740992', want: { idOrder: 'unordered', sequence: 1 } },
  { ids: 'auto', id: '-5', want: { idOrder: 'unordered', sequence: 1 } },
] as const)('a trade id $id with ids $ids', async ({ ids, id, want }) => {
  const { ticks } = await replay(fileOf(`A,1000,1,1,buy,${id}`), { ids })
  expect(ticks[0]).toMatchObject(want)
})

it('a trade id that is no number is rejected where ids are said to be monotonic', async () => {
  const { summary } = await replay(fileOf('A,1000,1,1,buy,x'), { ids: 'monotonic' })
  expect(summary).toEqual({ ticks: 0, refused: 1 })
})

it('rows without a trade id have names of their own', async () => {
  const { ticks } = await replay(fileOf('A,1000,1,1,buy,\nA,1000,1,1,buy,\n'))
  expect(ticks[0]?.tradeId).not.toBe(ticks[1]?.tradeId)
})

it('a move stands before the first tick of each symbol, once', async () => {
  const { output } = await replay(fileOf('A,1,1,1,b,1\nB,1,1,1,b,1\nA,2,1,1,b,2\nB,2,1,1,b,2\n'))
  for (const records of output.records) {
    const seen = new Set<string>()
    for (const record of records) {
      if (!isControl(record)) expect(seen.has(record.symbol)).toBe(true)
      else if (record.kind === 'move') {
        expect(seen.has(record.symbol)).toBe(false)
        seen.add(record.symbol)
      }
    }
  }
})

it('empty stretches are one heartbeat; the last reaches the highest event time; end stands last everywhere', async () => {
  const { output } = await replay(fileOf('A,10500,1,1,b,1\nA,10900,1,1,b,2\nA,99100,1,1,b,3\nA,99050,1,1,b,4\n'))
  const want = [
    { kind: 'heartbeat', line: 'replay', from: 10_000, to: 99_000, cursor: null },
    { kind: 'heartbeat', line: 'replay', from: 99_000, to: 99_100, cursor: null },
  ]
  for (const partition of [0, 1]) {
    expect(controls(output, 'heartbeat', partition)).toEqual(want)
    expect(output.records[partition]?.at(-1)).toEqual({ kind: 'end', line: 'replay' })
  }
})

// Law: coverage is gapless, and no tick at or before `to` stands after its heartbeat while disorder keeps its bound.
it('heartbeats are gapless and true', async () => {
  const steps = fc.array(fc.tuple(fc.nat(3_000), fc.nat(500)), { minLength: 1, maxLength: 60 })
  await fc.assert(
    fc.asyncProperty(steps, async (moves) => {
      let time = 50_000
      const rows = moves.map(([ahead, back], i) => {
        time += ahead
        return `${i % 2 === 0 ? 'A' : 'B'},${time - back},1,1,b,${i}`
      })
      const { output } = await replay(fileOf(rows.join('\n'), 'law.csv'), { outOfOrdernessMs: 500 })
      for (const records of output.records) {
        let covered: number | undefined
        for (const record of records) {
          if (!isControl(record)) expect(record.eventTime).toBeGreaterThan(covered ?? 0)
          else if (record.kind === 'heartbeat') {
            if (covered !== undefined) expect(record.from).toBe(covered)
            expect(record.to).toBeGreaterThan(record.from)
            covered = record.to
          }
        }
      }
    }),
    { numRuns: 60 },
  )
})

it('the records are the same at any speed and any chunking', async () => {
  const rows = Array.from({ length: 9_000 }, (_, i) => `S${i % 7},${1_000_000 + i * 13},${1 + (i % 5)},1,b,${i}`).join(
    '\n',
  )
  const plain = await replay(fileOf(rows))
  const packed = await replay(fileOf(gzipSync(rows)))
  const paced = await replay(fileOf(rows), { speed: 25 })
  expect(plain.summary.ticks).toBe(9_000)
  expect(packed.output.records).toEqual(plain.output.records)
  expect(paced.output.records).toEqual(plain.output.records)
  expect(paced.output.flushes.length).toBeGreaterThan(plain.output.flushes.length)
})

it('a speed spaces events by their times', async () => {
  const clock = createManualClock(now)
  await replay(fileOf('A,1000,1,1,b,1\nA,201000,1,1,b,2\n'), { speed: 2, clock })
  expect(clock.now() - now).toBe(100_000)
  expect(Math.max(...clock.sleeps)).toBeLessThanOrEqual(60_000)
})

it('an abort stops without an end, flushed', async () => {
  const abort = new AbortController()
  const rows = Array.from({ length: 20_000 }, (_, i) => `A,${1_000_000 + i},1,1,b,${i}`).join('\n')
  const output = createRecordedOutput(1, (count) => count === 2 && abort.abort())
  const { summary } = await replay(fileOf(rows), { output, signal: abort.signal })
  expect(summary.ticks).toBeLessThan(20_000)
  expect(output.ticks().length).toBe(summary.ticks)
  expect(output.pending).toBe(0)
  expect(controls(output, 'end')).toEqual([])
})

it('what stands before a truncation is published, then the error names the file', async () => {
  const rows = Array.from({ length: 30_000 }, (_, i) => `A,${1_000_000 + i},${(i * 7919) % 1013},1,b,${i}`).join('\n')
  const whole = gzipSync(rows)
  const file = fileOf(whole.subarray(0, whole.length - 5_000), 'cut.csv.gz')
  const output = createRecordedOutput(1)
  const error: unknown = await replay(file, { output }).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(FatalError)
  expect(error).toMatchObject({ code: 'REPLAY_UNREADABLE', exitCode: exitCodes.dependency })
  expect(output.ticks().length).toBeGreaterThan(20_000)
  expect(output.ticks().length).toBeLessThan(30_000)
  expect(controls(output, 'end')).toEqual([])
})

it.each([
  { name: 'a missing file', file: () => join(folder, 'none.csv') },
  { name: 'a folder', file: () => folder },
  { name: 'a header without a price', file: () => fileOf('symbol,open_time_ms,open\nA,1,1\n') },
  { name: 'damaged gzip', file: () => fileOf(Buffer.concat([gzipSync('').subarray(0, 10), Buffer.alloc(50, 0xff)])) },
])('$name is unreadable: what, why and what to try', async ({ file }) => {
  const error: unknown = await replay(file()).catch((thrown: unknown) => thrown)
  if (!(error instanceof FatalError)) throw error
  expect(error).toMatchObject({ code: 'REPLAY_UNREADABLE', exitCode: exitCodes.dependency })
  expect([error.why, error.hint]).not.toContain('')
})

it('an empty file is over at once', async () => {
  const { output, summary } = await replay(fileOf(''))
  expect(summary).toEqual({ ticks: 0, refused: 0 })
  expect(output.records).toEqual([[{ kind: 'end', line: 'replay' }], [{ kind: 'end', line: 'replay' }]])
})
