import { Registry } from 'prom-client'
import { describe, expect, it, vi } from 'vitest'
import type { LogLevel } from '../ports/logger.ts'
import { storedIntervals } from '../schemas/intervals.ts'
import { partitionOfKey } from '../schemas/partitioner.ts'
import type { Tick } from '../schemas/tick.ts'
import { createEngineWorld, topics } from '../test/engine-world.ts'
import { type Fault, faultyCandles } from '../test/faulty-candles.ts'
import type { CommitFate } from '../test/memory-store.ts'
import { type OracleCandle, oracleCandles } from '../test/oracle.ts'
import { aTick } from '../test/tick-rows.ts'
import type { Engine } from './engine.ts'
import { committedThrough } from './engine-host.ts'
import { systemClock } from './system-clock.ts'

/** Symbols of one partition of four. */
const [bad = '', good = '', third = '', ...more] = Array.from({ length: 400 }, (_, i) => `S${i}`).filter(
  (symbol) => partitionOfKey(symbol, 4) === 1,
)
const elsewhere = Array.from({ length: 100 }, (_, i) => `E${i}`).find((symbol) => partitionOfKey(symbol, 4) === 2) ?? ''
const firstTime = 1_700_000_040_000

type World = Awaited<ReturnType<typeof createEngineWorld>>

/** A world with a fault, and what its engines say. */
async function createRig(fate: () => CommitFate = () => 'ok') {
  const world = await createEngineWorld(fate)
  const rig = { fault: {} as Fault }
  const registry = new Registry()
  const told: { level: LogLevel; message: string; details: Record<string, unknown> }[] = []
  const engines: Engine[] = []
  const start = async (): Promise<Engine> => {
    const engine = world.makeEngine({
      topology: faultyCandles(() => rig.fault),
      ...(engines.length === 0 ? { registry } : {}),
      log: (level, message, details = {}) => void told.push({ level, message, details }),
    })
    engines.push(engine)
    await engine.start()
    return engine
  }
  const ids = new Map<string, number>()
  const tick = (symbol: string, over: Partial<Tick> = {}): Tick => {
    const tradeId = (ids.get(symbol) ?? 0) + 1
    ids.set(symbol, tradeId)
    const made = aTick({
      symbol,
      tradeId,
      sequence: tradeId,
      eventTime: firstTime + tradeId * 7000,
      line: 'x',
      ...over,
    })
    world.output.tick(made)
    return made
  }
  const metric = async (name: string, label = ''): Promise<number> => {
    const text = await registry.getSingleMetricAsString(name)
    const line = text.split('\n').find((one) => !one.startsWith('#') && one.includes(label))
    return Number(line?.split(' ').at(-1) ?? 0)
  }
  const stop = async (): Promise<void> => {
    for (const engine of engines) await engine.stop()
    await world.broker.close()
  }
  return { ...world, rig, engines, start, tick, told, metric, stop }
}

async function settled(world: World, engines: readonly Engine[], partitions: readonly number[] = [0, 1, 2, 3]) {
  await world.output.flush()
  const ends = await world.broker.admin.offsets(topics.ticks)
  const targets = new Map(partitions.map((partition) => [partition, ends.get(partition)?.latest ?? 0]))
  const deadline = AbortSignal.timeout(10_000)
  await Promise.race([
    committedThrough(engines, targets, systemClock, deadline),
    ...engines.map((engine) => engine.failed),
  ])
  if (deadline.aborted) throw new Error('the partitions were not committed in time')
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let left = 500; !(await isSo()); left--) {
    if (left === 0) throw new Error('it did not come to be')
    await systemClock.sleep(10)
  }
}

const fields = (row: Pick<OracleCandle, 'symbol' | 'interval' | 'start' | 'open' | 'close' | 'volume' | 'trades'>) => {
  const { symbol, interval, start, open, close, volume, trades } = row
  return { symbol, interval, start, open, close, volume, trades }
}
function expectTable(world: World, ticks: readonly Tick[], only?: string): void {
  const byKey = (rows: readonly ReturnType<typeof fields>[]) =>
    new Map(rows.map((row) => [`${row.symbol} ${row.interval} ${row.start}`, row]))
  const expected = oracleCandles(ticks, Object.values(storedIntervals)).map(fields)
  const stored = [...world.store.table.values()].filter(({ symbol }) => only === undefined || symbol === only)
  expect(byKey(stored.map(fields))).toEqual(byKey(expected))
}

describe('a step that throws for one key', () => {
  it('costs that key alone: the others are as without it, the key is held, and every record is accounted for', async () => {
    const world = await createRig()
    world.rig.fault = { tick: ({ symbol, price }) => symbol === bad && price === 13 }
    const engine = await world.start()
    const ticks = [
      ...Array.from({ length: 20 }, () => [world.tick(bad), world.tick(good)]).flat(),
      world.tick(bad, { price: 13 }),
      ...Array.from({ length: 20 }, () => [world.tick(bad), world.tick(good)]).flat(),
    ]
    world.output.control({ kind: 'end', line: 'x' })
    await settled(world, [engine])
    const [row] = await world.store.heldKeys('candles')
    expect(row).toMatchObject({ symbol: bad, partition: 1, failedAt: 40, error: `faulty for ${bad}` })
    expect(
      world.store.letters.map(({ reason, symbol, offset, detail }) => ({ reason, symbol, offset, detail })),
    ).toEqual([{ reason: 'QUARANTINED', symbol: bad, offset: 40, detail: `faulty for ${bad}` }])
    expectTable(
      world,
      ticks.filter(({ symbol }) => symbol === good),
    )
    expect(await world.metric('redwick_records_total', 'result="held"')).toBe(41 - (row?.heldFrom ?? 0) / 2)
    expect(await world.metric('redwick_alarms_total', 'conservation_breach')).toBe(0)
    await world.stop()
    expect(world.violations).toEqual([])
  })

  it('keeps the key held over a restart, and a release after the fault is mended gives what would have been', async () => {
    const world = await createRig()
    world.rig.fault = { tick: ({ symbol, offset }) => symbol === bad && offset === 30 }
    const engine = await world.start()
    const ticks: Tick[] = []
    const some = (count: number): void => {
      for (let i = 0; i < count; i++) ticks.push(world.tick(bad), world.tick(good))
    }
    some(15)
    await settled(world, [engine])
    some(15)
    ticks.push(world.tick(bad))
    await settled(world, [engine])
    expect(await world.store.heldKeys('candles')).toHaveLength(1)
    await engine.stop()
    const next = await world.start()
    some(30)
    await settled(world, [next])
    expect(await world.store.heldKeys('candles')).toHaveLength(1)
    world.rig.fault = {}
    await settled(world, [next])
    world.output.control({ kind: 'release', line: 'operator', symbol: bad }, 1)
    some(10)
    await settled(world, [next])
    expect(await world.store.heldKeys('candles')).toEqual([])
    some(10)
    world.output.control({ kind: 'end', line: 'x' })
    await settled(world, [next])
    expectTable(world, ticks)
    await world.stop()
    expect(world.violations).toEqual([])
  })

  it('keeps the log from where it is held, and counts held records with the watermark they move', async () => {
    const world = await createRig()
    const kept = vi.spyOn(world.broker, 'retainFrom')
    world.rig.fault = { tick: ({ symbol, price }) => symbol === bad && price === 13 }
    const engine = await world.start()
    const own = world.tick(good)
    world.tick(bad, { price: 13 })
    // Its time closes the other key's window.
    world.tick(bad, { eventTime: firstTime + 600_000 })
    await settled(world, [engine])
    const [row] = await world.store.heldKeys('candles')
    const last = kept.mock.calls.filter(([topic]) => topic === topics.ticks).at(-1)
    expect(last?.[1].get(1)).toBe(row?.heldFrom)
    expect([...world.store.table.values()].filter(({ interval }) => interval === 60)).toMatchObject([
      { symbol: good, closedBy: 'watermark', open: own.price },
    ])
    await world.stop()
  })

  it('stays held by a release while the fault is there, with one more dead letter and no loop', async () => {
    const world = await createRig()
    world.rig.fault = { tick: ({ symbol }) => symbol === bad }
    const engine = await world.start()
    world.tick(bad)
    const own = world.tick(good)
    await settled(world, [engine])
    world.output.control({ kind: 'release', line: 'operator', symbol: bad }, 1)
    world.output.control({ kind: 'release', line: 'operator', symbol: third }, 1)
    world.tick(bad)
    world.output.control({ kind: 'end', line: 'x' })
    await settled(world, [engine])
    expect(world.store.letters.map(({ reason, symbol, offset }) => [reason, symbol, offset])).toEqual([
      ['QUARANTINED', bad, 0],
      ['QUARANTINED', bad, 2],
    ])
    expect(await world.store.heldKeys('candles')).toHaveLength(1)
    expectTable(world, [own])
    expect(await world.metric('redwick_partitions_paused')).toBe(0)
    await world.stop()
  })
})

describe('a partition stands still, and the others go on', () => {
  it('when more than 10 keys would be held', async () => {
    const world = await createRig()
    const eleven = more.slice(0, 11)
    world.rig.fault = { tick: ({ symbol }) => eleven.includes(symbol) }
    const engine = await world.start()
    for (const symbol of eleven) world.tick(symbol)
    const own = world.tick(elsewhere)
    await world.output.flush()
    await until(async () => (await world.metric('redwick_partitions_paused')) === 1)
    world.output.control({ kind: 'end', line: 'x' })
    await settled(world, [engine], [0, 2, 3])
    expect(await world.metric('redwick_alarms_total', 'partition_paused')).toBe(1)
    const [last] = world.told.filter(({ message }) => message === 'the partition stands still')
    expect(last).toMatchObject({ level: 'error', details: { topic: topics.ticks, partition: 1, offset: 10 } })
    expectTable(world, [own])
    await world.stop()
  })

  it.each<{ readonly name: string; readonly fault: Fault }>([
    { name: 'at a control record', fault: { control: (kind, partition) => kind === 'end' && partition === 1 } },
    { name: 'at a checkpoint', fault: { element: (kind, partition) => kind === 'barrier' && partition === 1 } },
    { name: 'at the cadence', fault: { element: (kind, partition) => kind === 'pulse' && partition === 1 } },
    {
      name: 'at the same record twice, which its key had nothing to do with',
      fault: { batch: (from, to, partition) => partition === 1 && from <= 1 && to > 1 },
    },
  ])('when a step throws $name', async ({ fault }) => {
    const world = await createRig()
    world.rig.fault = fault
    const engine = await world.start()
    world.tick(good)
    world.tick(third)
    const own = world.tick(elsewhere)
    world.output.control({ kind: 'end', line: 'x' })
    await world.output.flush()
    await until(async () => (await world.metric('redwick_partitions_paused')) === 1)
    await settled(world, [engine], [0, 2, 3])
    expectTable(world, [own], elsewhere)
    expect(await world.metric('redwick_alarms_total', 'partition_paused')).toBe(1)
    await world.stop()
  })

  it('when a batch fails twice, and none of its records by itself', async () => {
    const fates: CommitFate[] = ['fails before']
    const world = await createRig(() => fates.shift() ?? 'ok')
    world.rig.fault = { batch: (from, to, partition) => partition === 1 && to - from > 1 }
    const engine = await world.start()
    world.tick(good)
    world.tick(third)
    await world.output.flush()
    await until(async () => (await world.metric('redwick_partitions_paused')) === 1)
    await settled(world, [engine], [0, 2, 3])
    expect(world.told.filter(({ message }) => message === 'state is dropped and taken over again')).toHaveLength(2)
    await world.stop()
  })
})
