import fc from 'fast-check'
import { Registry } from 'prom-client'
import { expect, it } from 'vitest'
import { messageOf } from '../schemas/errors.ts'
import type { HistorySegment } from '../schemas/history.ts'
import { segmentParts } from '../schemas/history-codec.ts'
import { storedIntervals } from '../schemas/intervals.ts'
import { partitionOfKey } from '../schemas/partitioner.ts'
import type { Tick } from '../schemas/tick.ts'
import { createEngineWorld, topics } from '../test/engine-world.ts'
import type { CommitFate } from '../test/memory-store.ts'
import { type OracleEntry, oracleOfLog } from '../test/oracle.ts'
import { propertyMsMax, propertyRuns } from '../test/property-runs.ts'
import { candles } from './candles.ts'
import type { Engine } from './engine.ts'
import { settled } from './engine-host.ts'
import { replayPlan } from './plan-replay.ts'
import { systemClock } from './system-clock.ts'

const minute = 60_000
const symbols = ['A', 'B', 'C', 'D']

const steps = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        kind: fc.constant('tick' as const),
        symbol: fc.constantFrom(...symbols),
        step: fc.integer({ min: 0, max: 40_000 }),
        price: fc.integer({ min: 1, max: 10_000 }),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('history' as const),
        symbol: fc.constantFrom(...symbols),
        from: fc.integer({ min: -20, max: 5 }),
        buckets: fc.integer({ min: 1, max: 10 }),
        prices: fc.array(fc.integer({ min: 1, max: 10_000 }), { maxLength: 8 }),
        itemsOfPart: fc.integer({ min: 1, max: 8 }),
        /** The feed was not sure that its marker arrived. */
        isMarkedTwice: fc.boolean(),
      }),
    },
    { weight: 2, arbitrary: fc.constantFrom({ kind: 'wait' as const }, { kind: 'steal' as const }) },
    { weight: 1, arbitrary: fc.constantFrom({ kind: 'second engine' as const }, { kind: 'stop one' as const }) },
  ),
  { minLength: 10, maxLength: 60 },
)
const fates = fc.array(fc.constantFrom<CommitFate>('ok', 'ok', 'fails before', 'fails after'), { maxLength: 15 })

function tick(symbol: string, eventTime: number, tradeId: number, price: number): Tick {
  return {
    ...{ symbol, eventTime, price, size: 0.1, side: 'buy', tradeId, idOrder: 'monotonic', sequence: tradeId },
    line: 'x',
    ingestTime: 0,
  }
}

async function allCommitted(world: Awaited<ReturnType<typeof createEngineWorld>>, engines: readonly Engine[]) {
  await Promise.race([
    settled(engines, { admin: world.broker.admin, topic: topics.ticks }, systemClock, AbortSignal.timeout(20_000)),
    ...engines.map((engine) => engine.failed),
  ])
}

// Goal: history is applied exactly once, at its marker, whatever commits fail and partitions move around it.
// Method: random ticks, segments in parts, markers (some sent twice), fates and ownership events; the table must be the oracle's.
it(
  'the table equals the oracle with history, whatever commits fail and partitions move',
  async () => {
    await fc.assert(
      fc.asyncProperty(steps, fates, async (list, fateList) => {
        const left = [...fateList]
        const world = await createEngineWorld(() => left.shift() ?? 'ok')
        const { output, broker, store, makeEngine, partitions } = world
        const engines = [makeEngine()]
        await engines[0]?.start()
        const entries: OracleEntry[] = []
        const ids = new Map<string, number>()
        let time = 1_700_000_000_000
        const one = (symbol: string, price: number): void => {
          const tradeId = (ids.get(symbol) ?? 0) + 1
          ids.set(symbol, tradeId)
          const made = tick(symbol, time, tradeId, price)
          entries.push({ tick: made })
          output.tick(made)
        }
        for (const [i, step] of list.entries()) {
          if (step.kind === 'tick') {
            time += step.step
            one(step.symbol, step.price / 100)
          } else if (step.kind === 'history') {
            const { symbol, buckets, prices } = step
            const partition = partitionOfKey(symbol, partitions)
            const bucketFrom = (Math.floor(time / minute) + step.from) * minute
            const bucketTo = bucketFrom + buckets * minute
            const trades = prices.map((price, n) => ({
              ...{ eventTime: bucketFrom + ((n * 37_000) % (bucketTo - bucketFrom)), price: price / 100, size: 0.3 },
              ...{ side: 'sell' as const, tradeId: n, sequence: n },
            }))
            const all = { symbol, bucketFrom, bucketTo, id: `${i}`, part: 0, parts: 1 }
            const segment: HistorySegment = { ...all, kind: 'trades', trades }
            const upTo = await world.sendHistory(partition, segmentParts(segment, step.itemsOfPart))
            entries.push({ segment })
            for (const line of step.isMarkedTwice ? ['x', 'x'] : ['x'])
              output.control({ kind: 'history', line, upTo }, partition)
            await output.flush()
          } else {
            await output.flush()
            if (step.kind === 'steal') store.stealFrom(i % partitions)
            else if (step.kind === 'second engine' && engines.length < 3) {
              const next = makeEngine()
              engines.push(next)
              await next.start()
            } else if (step.kind === 'stop one' && engines.length > 1) await engines.shift()?.stop()
            await systemClock.sleep(4)
          }
        }
        for (const symbol of symbols) one(symbol, 5)
        output.control({ kind: 'end', line: 'x' })
        await output.flush()
        await allCommitted(world, engines)
        for (const engine of engines) await engine.stop()
        await systemClock.sleep(5)
        // What ran is what the same topology gives when it reads the log again.
        const replay = await replayPlan({
          ...{ broker, store, registry: world.registry, clock: systemClock, topology: candles },
          ...{ topic: topics.ticks, historyTopic: topics.history, durationMs: 365 * 86_400_000, limit: 3 },
        })
        await broker.close()
        expect(replay).toMatchObject({ changed: 0, candles: [], lostHistory: 0 })
        const row = (candle: { symbol: string; interval: number; start: number; trades: number; close: number }) =>
          [`${candle.symbol} ${candle.interval} ${candle.start}`, [candle.trades, candle.close]] as const
        expect(new Map([...store.table.values()].filter(({ trades }) => trades > 0).map(row))).toEqual(
          new Map(oracleOfLog(entries, Object.values(storedIntervals)).map(row)),
        )
        expect(world.violations).toEqual([])
      }),
      propertyRuns(30),
    )
  },
  propertyMsMax,
)

const segment = (symbol: string, bucketFrom: number): HistorySegment => ({
  ...{ symbol, bucketFrom, bucketTo: bucketFrom + minute, id: 's', part: 0, parts: 1, kind: 'trades' },
  trades: [{ eventTime: bucketFrom, price: 7, size: 1, side: 'buy', tradeId: 1, sequence: 1 }],
})

it('a marker of history that the topic does not hold stops the engine, and names both offsets', async () => {
  const { output, makeEngine, sendHistory, broker } = await createEngineWorld(() => 'ok')
  const partition = partitionOfKey('A', 4)
  await sendHistory(partition, [segment('A', 0)])
  output.control({ kind: 'history', line: 'x', upTo: 5 }, partition)
  await output.flush()
  const engine = makeEngine()
  await engine.start()
  const error: unknown = await engine.failed.catch((thrown: unknown) => thrown)
  expect(error).toHaveProperty('code', 'HISTORY_MISSING')
  expect(messageOf(error)).toMatch(/holds offsets 0 to 1, history is applied up to 0 and a marker says 5/)
  await engine.stop()
  await broker.close()
})

it('a record of history that is no segment is a dead letter of its marker, and the others apply', async () => {
  const { output, makeEngine, sendHistory, broker, store, ...world } = await createEngineWorld(() => 'ok')
  const partition = partitionOfKey('A', 4)
  const producer = await broker.createProducer()
  await producer.send(topics.history, [{ partition, key: 'A', value: Buffer.from('no segment') }])
  const upTo = await sendHistory(partition, [segment('A', 0), { ...segment('A', 1), id: 'askew' }])
  output.control({ kind: 'history', line: 'x', upTo }, partition)
  await output.flush()
  const engine = makeEngine()
  await engine.start()
  await allCommitted({ output, makeEngine, sendHistory, broker, store, ...world }, [engine])
  await engine.stop()
  await broker.close()
  expect(store.letters.map(({ reason, partition: of }) => [reason, of])).toEqual([
    ['BAD_HISTORY', partition],
    ['BAD_HISTORY', partition],
  ])
  expect([...store.table.values()].map(({ interval, closedBy, trades }) => [interval, closedBy, trades])).toEqual([
    [60, 'history', 1],
  ])
})

it('history applies at its marker, not when it lies in the topic', async () => {
  const world = await createEngineWorld(() => 'ok')
  const partition = partitionOfKey('A', 4)
  const start = 1_700_000_040_000
  const upTo = await world.sendHistory(partition, [segment('A', start - minute), segment('A', start)])
  const at = (line: string, to: number) => world.output.control({ kind: 'history', line, upTo: to }, partition)
  at('x', upTo - 1)
  world.output.tick(tick('A', start + 1000, 1, 9))
  at('x', upTo)
  world.output.tick(tick('A', start + 2000, 2, 9))
  await world.output.flush()
  const registry = new Registry()
  const engine = world.makeEngine({ registry })
  await engine.start()
  await allCommitted(world, [engine])
  await engine.stop()
  await world.broker.close()
  const text = await registry.getSingleMetricAsString('redwick_records_total')
  expect(['used', 'duplicate', 'control'].map((result) => text.match(`${result}"} (\\d+)`)?.[1])).toEqual([
    '1',
    '1',
    '2',
  ])
  expect([...world.store.table.values()].map((row) => [row.start, row.close])).toEqual([
    [start - minute, 7],
    [start, 7],
  ])
})
