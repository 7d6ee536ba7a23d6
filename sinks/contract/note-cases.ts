import { describe, expect, it } from 'vitest'
import type { PartitionCommit } from '../../ports/candle-store.ts'
import { FencedError } from '../../schemas/errors.ts'
import { sampleCommit, samplePart, sampleTopic } from '../sample-commit.ts'
import { bytes, fresh, letter, type StoreRig } from './store-rig.ts'

/** What commits and starts note beside candles: refused and held records, late ranges, declarations, coverage. */
export function noteCases(rig: StoreRig): void {
  const { own } = rig
  describe('dead letters', () => {
    const commitLetters = async (letters: readonly ReturnType<typeof letter>[]) => {
      const topology = fresh('letters')
      const { epoch } = (await own(topology))(0)
      await rig.store.commit(
        sampleCommit(topology, samplePart({ epoch, previousOffset: 0, commitNo: 1, deadLetters: letters })),
      )
    }
    const stored = async (topic: string) => (await rig.store.deadLetters(1_000)).filter((each) => each.topic === topic)

    it('are there once for each record, whoever commits them again', async () => {
      const topic = fresh('topic')
      const one = letter({ topic, offset: 5 })
      await commitLetters([one, letter({ topic, offset: 6 }), one])
      await commitLetters([one])
      expect((await stored(topic)).map(({ offset }) => offset).sort()).toEqual([5, 6])
    })

    it('are there once for each place of a feed, at whatever offset it comes again', async () => {
      const topic = fresh('topic')
      await commitLetters([letter({ topic, offset: 5, source: 'ticks.csv:7' })])
      await commitLetters([
        letter({ topic, offset: 9, source: 'ticks.csv:7' }),
        letter({ topic, offset: 9, source: 'ticks.csv:8' }),
      ])
      expect((await stored(topic)).map(({ source }) => source)).toEqual(['ticks.csv:8', 'ticks.csv:7'])
    })

    it('keep what a hostile record says, all but what no text can hold', async () => {
      const topic = fresh('topic')
      const payload = new Uint8Array(5_000).fill(7)
      await commitLetters([
        letter({ topic, symbol: `\0'"\\.`, detail: `\ud800${'x'.repeat(5_000)}`, schemaId: null, payload }),
      ])
      const [found] = await stored(topic)
      expect(found).toMatchObject({ symbol: `\ufffd'"\\.`, schemaId: null, reason: 'MALFORMED' })
      expect(found?.detail.length).toBeLessThanOrEqual(600)
      expect(found?.payload.length).toBe(4096)
      expect(Math.abs((found?.storedAt ?? 0) - Date.now())).toBeLessThan(60_000)
    })
  })

  it('lists late ranges, the newest first', async () => {
    const topology = fresh('late')
    const { epoch } = (await own(topology))(0)
    const range = (fromOffset: number, reason: 'late' | 'duplicate') => ({
      ...{ partition: 0, fromOffset, toOffset: fromOffset + 4, symbol: topology, reason, count: 3 },
    })
    const ranges = [range(1, 'late'), range(9, 'duplicate')]
    await rig.store.commit(
      sampleCommit(topology, samplePart({ epoch, previousOffset: 0, commitNo: 1, lateRanges: ranges })),
    )
    expect(await rig.store.lateRanges(2)).toEqual(ranges.reverse())
  })

  it('keeps held keys with what judges them until they are released, by partition', async () => {
    const topology = fresh('held')
    const { epoch } = (await own(topology, [0, 1]))(0)
    const a = { symbol: 'A', heldFrom: 3, failedAt: 7, error: 'no', historyFrom: 2, state: bytes(1, 0, 255) }
    const b = { ...a, symbol: 'B', heldFrom: 5, failedAt: 5, error: 'not\0this', historyFrom: 0, state: bytes() }
    const part = (commitNo: number, changes: Partial<PartitionCommit>) =>
      sampleCommit(topology, samplePart({ epoch, previousOffset: 0, nextOffset: 0, commitNo, ...changes }))
    await rig.store.commit(part(1, { held: [b, a] }))
    const stored = { ...b, error: 'not\ufffdthis' }
    const taken = await rig.store.takeover(topology, sampleTopic, [0, 1], 5000)
    expect(taken.map(({ quarantines }) => quarantines)).toEqual([[a, stored], []])
    expect(await rig.store.heldKeys(topology)).toEqual(
      [a, stored].map(({ state: _, ...listed }) => ({ ...listed, partition: 0 })),
    )
    await expect(rig.store.commit(part(2, { released: ['A'] }))).rejects.toThrow(FencedError)
    const next = taken[0]?.epoch ?? 0
    await rig.store.commit(part(2, { epoch: next, released: ['A', 'C'] }))
    expect((await rig.store.heldKeys(topology)).map(({ symbol }) => symbol)).toEqual(['B'])
    expect((await rig.store.takeover(topology, sampleTopic, [0], 6000))[0]?.quarantines).toEqual([stored])
  })

  describe('topologies', () => {
    const declared = (name: string, hash: string) => ({
      name,
      hash,
      declaration: `{"name":"${name}","at":"${hash}"}`,
    })
    const of = async (name: string) => (await rig.store.topologies()).filter((each) => each.name === name)

    it('are listed with what they declared, the last run first, each hash once', async () => {
      const name = fresh('declared')
      await rig.store.declareTopology(declared(name, 'one'))
      await rig.store.declareTopology(declared(name, 'two'))
      expect((await of(name)).map(({ hash }) => hash)).toEqual(['two', 'one'])
      await rig.store.declareTopology(declared(name, 'one'))
      const [last, before] = await of(name)
      expect(last).toMatchObject(declared(name, 'one'))
      expect(before).toMatchObject(declared(name, 'two'))
      expect(last?.firstRunAt).toBeLessThanOrEqual(before?.firstRunAt ?? 0)
      expect(last?.lastRunAt).toBeGreaterThanOrEqual(before?.lastRunAt ?? 0)
      expect(Math.abs((last?.lastRunAt ?? 0) - Date.now())).toBeLessThan(60_000)
    })

    it('keep the text of a hostile declaration as data', async () => {
      const hostile = { ...declared(fresh('hostile'), `'; DROP TABLE topologies; --`), declaration: `{"x":"'\\"$1"}` }
      await rig.store.declareTopology(hostile)
      expect(await of(hostile.name)).toMatchObject([hostile])
    })

    it('know the topics that offsets were committed against', async () => {
      const topology = fresh('topics')
      expect(await rig.store.committedTopics(topology)).toEqual([])
      await own(topology)
      expect(await rig.store.committedTopics(topology)).toEqual([sampleTopic])
    })
  })

  it('tells what became known of a symbol in a stretch, in the order of the commits', async () => {
    const topology = fresh('coverage')
    const { epoch } = (await own(topology))(0)
    const change = (from: number, to: number, kind: 'blind' | 'settled', symbol = topology) => ({
      symbol,
      from,
      to,
      kind,
    })
    const first = [change(10, 20, 'blind'), change(5, 8, 'settled'), change(12, 14, 'blind', 'OTHER')]
    const second = [change(11, 15, 'settled'), change(-9e14, 9e14, 'blind')]
    await rig.store.commit(
      sampleCommit(topology, samplePart({ epoch, previousOffset: 0, commitNo: 1, coverage: first })),
    )
    await rig.store.commit(
      sampleCommit(topology, samplePart({ epoch, previousOffset: 10, commitNo: 2, coverage: second })),
    )
    expect(await rig.store.coverage(topology, 8, 11)).toEqual([first[0], second[1]])
    expect(await rig.store.coverage(topology, -1e15, 1e15)).toEqual([first[0], first[1], ...second])
    expect(await rig.store.coverage(fresh('unknown'), 0, 100)).toEqual([])
  })

  it('answers a ping and has an id', async () => {
    await expect(rig.store.ping()).resolves.toBeUndefined()
    expect(rig.store.storeId).toMatch(/^[0-9a-f-]{36}$/)
  })

  it('gets another id when it is told to, and keeps its content', async () => {
    const topology = fresh('renewed')
    const { epoch } = (await own(topology))(0)
    await rig.store.commit(sampleCommit(topology, samplePart({ epoch, previousOffset: 0, commitNo: 1 })))
    const before = rig.store.storeId
    const positions = await rig.store.positions(topology)
    await rig.store.renewId()
    expect(rig.store.storeId).toMatch(/^[0-9a-f-]{36}$/)
    expect(rig.store.storeId).not.toBe(before)
    expect(await rig.store.positions(topology)).toEqual(positions)
  })
}
