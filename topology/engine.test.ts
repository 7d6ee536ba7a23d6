import fc from 'fast-check'
import { Registry } from 'prom-client'
import { expect, it } from 'vitest'
import { createEmbeddedBroker } from '../broker/embedded/embedded-broker.ts'
import { createTickPublisher } from '../feeds/tick-publisher.ts'
import { createEmbeddedRegistry } from '../registry/embedded-registry.ts'
import type { Emission } from '../schemas/candle.ts'
import { Interner } from '../schemas/interner.ts'
import { storedIntervals } from '../schemas/intervals.ts'
import type { Tick } from '../schemas/tick.ts'
import { createTickColumnDecoder } from '../schemas/tick-column-decoder.ts'
import { topicNames } from '../schemas/topics.ts'
import { createMemorySnapshot } from '../sinks/snapshot/memory-snapshot.ts'
import { type CommitFate, createMemoryStore } from '../test/memory-store.ts'
import { oracleCandles } from '../test/oracle.ts'
import { candles } from './candles.ts'
import { createCodecs } from './codecs.ts'
import { createEngine } from './engine.ts'
import { committedThrough } from './engine-host.ts'
import { createEngineMetrics } from './engine-metrics.ts'
import { systemClock } from './system-clock.ts'
import { ensureTopics } from './topics.ts'

const topics = topicNames('t.')
const limits = { commitEveryMs: 3, commitEveryMsMax: 20, retryMsMin: 1, retryMsMax: 5, fencedWaitMs: 5 }

/** One world: a broker in memory, a store with fates, and engines that come and go. */
async function world(fate: () => CommitFate) {
  const broker = createEmbeddedBroker({ clock: systemClock })
  const registry = await createEmbeddedRegistry()
  const store = createMemoryStore(fate)
  const partitions = await ensureTopics(broker, topics, 4)
  const codecs = await createCodecs(registry, topics)
  const output = createTickPublisher({
    producer: await broker.createProducer(),
    topic: topics.ticks,
    partitions,
    ...codecs,
  })
  const live: Emission[] = []
  const violations: string[] = []
  const epochs = new Map<number, number>()
  const positions = new Map<string, { e: number; q: number }>()
  await broker.read({
    topic: topics.candlesLive,
    from: 'earliest',
    onRecords(partition, records) {
      for (const record of records) {
        const decoded = codecs.decodeLive(record)
        if (decoded === undefined) violations.push('a record of candles.live cannot be read')
        else if ('epoch' in decoded) epochs.set(partition, decoded.epoch)
        else {
          const key = `${decoded.candle.symbol} ${decoded.candle.interval}`
          const last = positions.get(key)
          if (decoded.e !== epochs.get(partition))
            violations.push(`${key} of epoch ${decoded.e} in ${epochs.get(partition)}`)
          if (decoded.q !== (last?.e === decoded.e ? last.q : 0) + 1)
            violations.push(`${key} ${decoded.e}/${decoded.q} after ${last?.e}/${last?.q}`)
          positions.set(key, decoded)
          live.push(decoded)
        }
      }
      return undefined
    },
    onError: (error) => violations.push(error.message),
  })
  const makeEngine = () => {
    const symbols = new Interner()
    const lines = new Interner()
    return createEngine({
      topology: candles,
      topics,
      groupId: 'g',
      broker,
      store,
      snapshot: createMemorySnapshot(),
      clock: systemClock,
      log: () => undefined,
      metrics: createEngineMetrics(new Registry()),
      decoder: createTickColumnDecoder({ symbols, lines, fetchSchema: (id) => registry.schema(id) }),
      symbols,
      lines,
      encodeEmission: codecs.encodeEmission,
      encodeEpoch: codecs.encodeEpoch,
      intervals: Object.values(storedIntervals),
      limits,
    })
  }
  return { broker, store, output, live, violations, makeEngine }
}

const trades = fc
  .array(
    fc.record({
      symbol: fc.constantFrom('A', 'B', 'C', 'D', 'E'),
      step: fc.integer({ min: 0, max: 9000 }),
      price: fc.integer({ min: 1, max: 10_000 }),
    }),
    {
      minLength: 20,
      maxLength: 120,
    },
  )
  .map((rows) => {
    const ids = new Map<string, number>()
    let eventTime = 1_700_000_000_000
    return rows.map(({ symbol, step, price }): Tick => {
      eventTime += step
      const tradeId = (ids.get(symbol) ?? 0) + 1
      ids.set(symbol, tradeId)
      return {
        symbol,
        eventTime,
        price: price / 100,
        size: 0.1,
        side: 'buy',
        tradeId,
        idOrder: 'monotonic',
        sequence: tradeId,
        line: 'x',
        ingestTime: 0,
      }
    })
  })

const fates = fc.array(fc.constantFrom<CommitFate>('ok', 'ok', 'fails before', 'fails after'), { maxLength: 12 })
const events = fc.array(fc.constantFrom('wait', 'second engine', 'steal', 'stop one'), { maxLength: 6 })

// Goal: no failed commit, lost answer, fencing or rebalance loses a tick, counts one twice, or breaks the order of candles.live.
// Method: random log x random fates x random ownership events on real engines and the embedded broker; the table must be the oracle's.
it('the table equals the oracle whatever commits fail and partitions move', async () => {
  await fc.assert(
    fc.asyncProperty(trades, fates, events, async (ticks, fateList, eventList) => {
      const left = [...fateList]
      const { broker, store, output, violations, live, makeEngine } = await world(() => left.shift() ?? 'ok')
      const engines = [makeEngine()]
      await engines[0]?.start()
      const each = Math.ceil(ticks.length / (eventList.length + 1))
      for (let i = 0; i * each < ticks.length; i++) {
        // The feed sends the end of the last piece again, as after a reconnect.
        for (const tick of ticks.slice(Math.max(0, i * each - 3), (i + 1) * each)) output.tick(tick)
        await output.flush()
        const event = eventList[i]
        if (event === 'second engine' && engines.length < 3) {
          const next = makeEngine()
          engines.push(next)
          await next.start()
        } else if (event === 'steal') store.stealFrom(i % 4)
        else if (event === 'stop one' && engines.length > 1) await engines.shift()?.stop()
        await systemClock.sleep(4)
      }
      output.control({ kind: 'end', line: 'x' })
      await output.flush()
      const ends = await broker.admin.offsets(topics.ticks)
      const targets = new Map([...ends].map(([partition, range]) => [partition, range.latest]))
      await Promise.race([
        committedThrough(engines, targets, systemClock, AbortSignal.timeout(20_000)),
        ...engines.map((engine) => engine.failed),
      ])
      for (const engine of engines) await engine.stop()
      await systemClock.sleep(5)
      await broker.close()
      const got = [...store.table.values()].map(({ symbol, interval, start, open, close, volume, trades: count }) => ({
        symbol,
        interval,
        start,
        open,
        close,
        volume,
        trades: count,
      }))
      const key = (row: { symbol: string; interval: number; start: number }) =>
        `${row.symbol} ${row.interval} ${row.start}`
      const expected = oracleCandles(ticks, Object.values(storedIntervals)).map(
        ({ symbol, interval, start, open, close, volume, trades: count }) => ({
          symbol,
          interval,
          start,
          open,
          close,
          volume,
          trades: count,
        }),
      )
      expect(new Map(got.map((row) => [key(row), row]))).toEqual(new Map(expected.map((row) => [key(row), row])))
      expect(violations).toEqual([])
      // Every stored final was told, at its last revision.
      const told = new Map(
        live.filter(({ kind }) => kind !== 'update').map(({ candle }) => [key(candle), candle.revision]),
      )
      expect(told).toEqual(new Map([...store.table.values()].map((candle) => [key(candle), candle.revision])))
    }),
    { numRuns: Number(process.env['PROPERTY_RUNS'] ?? 40) },
  )
}, 600_000)
