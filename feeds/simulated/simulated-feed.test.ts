import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { FeedPosition } from '../../ports/feed.ts'
import type { ControlRecord } from '../../schemas/control.ts'
import { FatalError } from '../../schemas/errors.ts'
import type { Tick } from '../../schemas/tick.ts'
import { createManualClock, createRecordedOutput, isControl, type RecordedOutput } from '../recorded-output.ts'
import { simulatedSymbols } from './instruments.ts'
import { createSimulatedFeed, type SimulatedFeedOptions } from './simulated-feed.ts'

const startMs = Date.UTC(2026, 0, 1)
const minuteMs = 60_000
const none: FeedPosition = { cursors: new Map() }

interface Some extends Partial<SimulatedFeedOptions> {
  readonly position?: FeedPosition
  readonly signal?: AbortSignal
  readonly output?: RecordedOutput
}

async function simulate(some: Some = {}) {
  const { position = none, signal = new AbortController().signal, output = createRecordedOutput(4), ...rest } = some
  const clock = createManualClock(startMs + 60 * minuteMs)
  const ends = { startMs, endMs: startMs + 2 * minuteMs }
  const feed = createSimulatedFeed({ seed: 7, ...ends, speed: 'max', outOfOrdernessMs: 300, clock, ...rest })
  const summary = await feed.run(output, position, signal)
  return { output, summary, ticks: output.ticks() }
}

/** The last heartbeat of the first `lengths[p]` records of each partition: what a restart finds after a kill. */
function positionAt(output: RecordedOutput, lengths: readonly number[]): FeedPosition {
  const cursors = new Map<number, string>()
  output.records.forEach((records, partition) => {
    for (const record of records.slice(0, lengths[partition])) {
      if (isControl(record) && record.kind === 'heartbeat' && record.cursor !== null)
        cursors.set(partition, record.cursor)
    }
  })
  return { cursors }
}

function onlyTicks(output: RecordedOutput, partition: number, length = Number.POSITIVE_INFINITY): readonly Tick[] {
  const ticks: Tick[] = []
  for (const record of (output.records[partition] ?? []).slice(0, length)) if (!isControl(record)) ticks.push(record)
  return ticks
}

function bySymbol(ticks: readonly Tick[]): Map<string, Tick[]> {
  const found = new Map<string, Tick[]>()
  for (const tick of ticks) {
    const some = found.get(tick.symbol)
    if (some === undefined) found.set(tick.symbol, [tick])
    else some.push(tick)
  }
  return found
}

it('the same seed makes the same records, another seed others', async () => {
  const a = await simulate()
  const b = await simulate()
  const c = await simulate({ seed: 8 })
  expect(a.output.records).toEqual(b.output.records)
  expect(a.ticks).not.toEqual(c.ticks)
})

const isNoHeartbeat = (record: Tick | ControlRecord): boolean => !isControl(record) || record.kind !== 'heartbeat'

it('ticks, moves and end do not depend on the speed; only heartbeats follow the flushes', async () => {
  const fast = await simulate({ endMs: startMs + 20_000 })
  const paced = await simulate({ endMs: startMs + 20_000, speed: 3 })
  const [pacedRecords, fastRecords] = [paced, fast].map(({ output }) =>
    output.records.map((one) => one.filter(isNoHeartbeat)),
  )
  expect(pacedRecords).toEqual(fastRecords)
  expect(paced.output.flushes.length).toBeGreaterThan(fast.output.flushes.length)
})

it('trade ids count from 1 without gap, by symbol, in the order of emission', async () => {
  const { ticks } = await simulate()
  for (const [, some] of bySymbol(ticks)) {
    expect(some.map((tick) => tick.tradeId)).toEqual(some.map((_, i) => i + 1))
    expect(some.every((tick) => tick.sequence === tick.tradeId && tick.idOrder === 'monotonic')).toBe(true)
  }
})

// Goal: wherever each partition's tail was cut by a kill, a restart adds exactly what an unbroken run would have.
// Method: cut every partition after a random flush of its own, restart from the cursors found, compare ticks.
it('after a kill it goes on without gap or repetition', async () => {
  const whole = await simulate({ duplicates: 0.05 })
  const cut = fc.array(fc.nat(whole.output.flushes.length), { minLength: 4, maxLength: 4 })
  await fc.assert(
    fc.asyncProperty(cut, async (cuts) => {
      const lengths = cuts.map((at, partition) => (at === 0 ? 0 : (whole.output.flushes[at - 1]?.[partition] ?? 0)))
      const rest = await simulate({ duplicates: 0.05, position: positionAt(whole.output, lengths) })
      for (let partition = 0; partition < 4; partition++) {
        const before = onlyTicks(whole.output, partition, lengths[partition])
        const after = onlyTicks(rest.output, partition)
        expect([...before, ...after]).toEqual(onlyTicks(whole.output, partition))
      }
    }),
    { numRuns: 15 },
  )
})

it('every flush leaves each partition at a heartbeat, or at the end', async () => {
  const { output } = await simulate()
  expect(output.flushes.length).toBeGreaterThan(5)
  for (const lengths of output.flushes) {
    for (const [partition, length] of lengths.entries()) {
      const last = length === 0 ? undefined : output.records[partition]?.[length - 1]
      if (last !== undefined) expect(isControl(last) ? last.kind : 'tick').toMatch(/^(heartbeat|end)$/)
    }
  }
})

it('heartbeats are gapless, at least one a simulated second, and true', async () => {
  const { output } = await simulate({ duplicates: 0.02 })
  for (const records of output.records) {
    let covered: number | undefined
    for (const record of records) {
      if (!isControl(record)) {
        if (record.eventTime <= (covered ?? 0)) throw new Error(`A tick at ${record.eventTime} follows ${covered}`)
      } else if (record.kind === 'heartbeat') {
        expect(record.from).toBe(covered ?? startMs - 301)
        expect(record.to - record.from).toBeLessThanOrEqual(1_000)
        expect(record.to).toBeGreaterThan(record.from)
        covered = record.to
      }
    }
    expect(covered).toBe(startMs + 2 * minuteMs - 301)
    expect(records.at(-1)).toEqual({ kind: 'end', line: 'sim' })
  }
})

it('a symbol moves to the line before its first tick, in every run', async () => {
  const { output } = await simulate()
  for (const records of output.records) {
    const moved = new Set<string>()
    for (const record of records) {
      if (!isControl(record)) expect(moved.has(record.symbol)).toBe(true)
      else if (record.kind === 'move') moved.add(record.symbol)
    }
  }
})

describe('ten minutes of the market', async () => {
  const minutes = 10
  const { ticks } = await simulate({ endMs: startMs + minutes * minuteMs, ticksPerSecond: 300, duplicates: 0.01 })
  const symbols = bySymbol(ticks)

  it('there are about as many ticks as asked for', () => {
    const perSecond = ticks.length / (minutes * 60)
    expect(perSecond).toBeGreaterThan(300 * 0.7)
    expect(perSecond).toBeLessThan(300 * 1.4)
  })

  it('symbols differ in liveliness, and quiet ones trade once every few minutes', () => {
    const count = (symbol: string) => symbols.get(symbol)?.length ?? 0
    expect(count('BTC-USDT')).toBeGreaterThan(4 * count('DOGE-USDT'))
    expect(count('DOGE-USDT')).toBeGreaterThan(1_000)
    const quiet = count('LTC-BTC') + count('XMR-USDT')
    expect(quiet).toBeGreaterThan(0)
    expect(quiet).toBeLessThan(30)
    expect([...symbols.keys()].every((symbol) => simulatedSymbols.includes(symbol))).toBe(true)
  })

  it('some events stand behind another of their symbol, none by more than the bound', () => {
    let behind = 0
    let newest = 0
    let furthest = 0
    let early = 0
    for (const tick of symbols.get('BTC-USDT') ?? []) {
      if (tick.eventTime < newest) behind++
      newest = Math.max(newest, tick.eventTime)
      furthest = Math.max(furthest, newest - tick.eventTime)
      if (tick.eventTime > tick.ingestTime) early++
    }
    expect(furthest).toBeLessThanOrEqual(300)
    expect(early).toBe(0)
    expect(behind / (symbols.get('BTC-USDT')?.length ?? 1)).toBeGreaterThan(0.03)
  })

  it('prices move, stay near home, and keep their decimals', () => {
    for (const [symbol, some] of symbols) {
      const prices = some.map((tick) => tick.price)
      const low = Math.min(...prices)
      expect(low).toBeGreaterThan(0)
      expect(Math.max(...prices) / low).toBeLessThan(1.2)
      if (some.length > 100) expect(new Set(prices).size).toBeGreaterThan(10)
      if (symbol === 'BTC-USDT') expect(prices.every((price) => price === Math.round(price * 100) / 100)).toBe(true)
      expect(some.every((tick) => tick.size > 0 && Number.isFinite(tick.size))).toBe(true)
    }
  })

  it('bursts stand out from calm spans', () => {
    const spans = new Map<number, number>()
    for (const tick of symbols.get('BTC-USDT') ?? []) {
      const span = Math.floor(tick.ingestTime / 5_000)
      spans.set(span, (spans.get(span) ?? 0) + 1)
    }
    const counts = [...spans.values()].sort((a, b) => a - b)
    expect(counts.at(-1) ?? 0).toBeGreaterThan(3 * (counts[counts.length >> 1] ?? 1))
  })

  it('about the asked fraction comes twice, the copy right behind its original', () => {
    let twice = 0
    for (const [, some] of symbols) for (let i = 1; i < some.length; i++) if (some[i] === some[i - 1]) twice++
    expect(twice / ticks.length).toBeGreaterThan(0.005)
    expect(twice / ticks.length).toBeLessThan(0.02)
  })
})

/** Runs live for so many flushes, then aborts. */
async function live(
  startedAt: number,
  flushesMax: number,
  position: FeedPosition,
  some: Partial<SimulatedFeedOptions> = {},
) {
  const abort = new AbortController()
  const clock = createManualClock(startedAt)
  const output = createRecordedOutput(2, (count) => count >= flushesMax && abort.abort())
  const { summary } = await simulate({
    ...{ clock, output, position, signal: abort.signal, startMs: startedAt, endMs: undefined, speed: 1 },
    ...some,
  })
  return { clock, output, summary, lengths: output.records.map((records) => records.length) }
}

describe('live', () => {
  it('simulated time is the clock, and no event is ahead of it', async () => {
    const { clock, output } = await live(startMs, 50, none)
    expect(clock.now() - startMs).toBeLessThan(10_000)
    expect(Math.max(...output.ticks().map((tick) => tick.eventTime))).toBeLessThan(clock.now())
    expect(output.records.every((records) => records.every((each) => !isControl(each) || each.kind !== 'end'))).toBe(
      true,
    )
  })

  it('a downtime is caught up at once', async () => {
    const before = await live(startMs, 50, none)
    const again = before.clock.now() + 5 * minuteMs
    const after = await live(again, 40, positionAt(before.output, before.lengths))
    expect(after.clock.now() - again).toBeLessThan(5_000)
    for (const [, some] of bySymbol([...before.output.ticks(), ...after.output.ticks()])) {
      expect(some.map((tick) => tick.tradeId)).toEqual(some.map((_, i) => i + 1))
    }
    const newest = Math.max(...after.output.ticks().map((tick) => tick.eventTime))
    expect(after.clock.now() - newest).toBeLessThan(1_000)
  })

  it('a longer downtime than may be caught up is a gap in the heartbeats, none in the ids', async () => {
    const before = await live(startMs, 50, none)
    const again = before.clock.now() + 30 * minuteMs
    const after = await live(again, 5, positionAt(before.output, before.lengths), { catchUpMsMax: minuteMs })
    for (const [partition, records] of after.output.records.entries()) {
      const first = records.find((record) => isControl(record) && record.kind === 'heartbeat')
      const last = before.output.records[partition]?.findLast((each) => isControl(each) && each.kind === 'heartbeat')
      if (first === undefined || !('from' in first) || last === undefined || !('to' in last)) throw new Error('none')
      expect(first.from - last.to).toBeGreaterThan(28 * minuteMs)
    }
    const seen = bySymbol([...before.output.ticks(), ...after.output.ticks()])
    for (const [, some] of seen) expect(some.map((tick) => tick.tradeId)).toEqual(some.map((_, i) => i + 1))
  })
})

it('a symbol that is not known by name is made up from it', async () => {
  const { ticks } = await simulate({ symbols: ['FOO-BAR', 'BTC-USDT', 'FOO-BAR'] })
  expect(new Set(ticks.map((tick) => tick.symbol))).toEqual(new Set(['FOO-BAR', 'BTC-USDT']))
})

it.each(['', '{}', '{"slot":1,"symbols":{"A":[0,1,1]}}', '{"slot":1.5,"symbols":{}}'])(
  'a cursor %j of another feed is an error that says so',
  async (text) => {
    const failing = simulate({ position: { cursors: new Map([[0, text]]) } })
    await expect(failing).rejects.toBeInstanceOf(FatalError)
    await expect(failing).rejects.toMatchObject({ code: 'CURSOR_UNREADABLE' })
  },
)
