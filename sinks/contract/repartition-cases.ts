import { describe, expect, it } from 'vitest'
import { FatalError, FencedError } from '../../schemas/errors.ts'
import { sampleCommit, samplePart, sampleTopic } from '../sample-commit.ts'
import { bytes, fresh, type StoreRig } from './store-rig.ts'

/** The byte that says so, and the partitions of then. */
const moved = (partitions: number, payload: Uint8Array): Uint8Array => {
  const found = Buffer.concat([bytes(4, 0, 0, 0, 0), payload])
  found.writeInt32BE(partitions, 1)
  return new Uint8Array(found)
}

/** More partitions of a topic that was committed against. */
export function repartitionCases(rig: StoreRig): void {
  const { partitions: count } = sampleTopic

  /** A topic of its own, that nobody else reads; partitions 0 and 1 have committed. */
  const committed = async (name: string) => {
    const topology = fresh(name)
    const identity = { ...sampleTopic, topic: `ticks-of-${topology}` }
    const take = (partitions: readonly number[], ofTopic = identity, nowMs = 1) =>
      rig.store.takeover(topology, ofTopic, partitions, nowMs)
    const owned = await take([0, 1])
    const part = (partition: number) =>
      samplePart({
        ...{ partition, epoch: owned[partition]?.epoch ?? 0, previousOffset: 0, commitNo: 1, lastSeq: 7 + partition },
        ...{ state: bytes(partition, 1), stateFull: true, outbox: bytes(partition, 2) },
      })
    const commit = { ...sampleCommit(topology, part(0), part(1)), topic: identity.topic }
    await rig.store.commit(commit)
    const change = {
      topic: identity.topic,
      from: count,
      to: 2 * count,
      offsets: new Map([
        [0, 10],
        [1, 10],
      ]),
    }
    return { topology, identity, take, part, change, commit }
  }

  describe('a topic with more partitions', () => {
    it('gives each new one the state, the outbox and the counts of the one that its keys come from', async () => {
      const { topology, identity, take, change } = await committed('grown')
      await rig.store.repartition(topology, change)
      const all = await take([0, 1, 2, count, count + 1, count + 2], { ...identity, partitions: 2 * count })
      const of = (partition: number, from: number, nextOffset: number) => ({
        ...{ partition, epoch: 3, nextOffset, commitNo: 1, lastSeq: 7 + from },
        states: [moved(count, bytes(from, 1))],
        outbox: [{ commitNo: 1, payload: moved(count, bytes(from, 2)) }],
        quarantines: [],
      })
      const nothing = (partition: number) => ({
        ...{ partition, epoch: 1, nextOffset: 0, commitNo: 0, lastSeq: 0, states: [], outbox: [], quarantines: [] },
      })
      expect(all).toEqual([
        of(0, 0, 10),
        of(1, 1, 10),
        nothing(2),
        of(count, 0, 0),
        of(count + 1, 1, 0),
        nothing(count + 2),
      ])
    })

    it('fences whoever owned them, and refuses the topic as it was', async () => {
      const { topology, take, change, commit } = await committed('fenced')
      await rig.store.repartition(topology, change)
      const late = {
        ...commit,
        partitions: commit.partitions.map((part) => ({ ...part, previousOffset: 10, nextOffset: 20, commitNo: 2 })),
      }
      await expect(rig.store.commit(late)).rejects.toBeInstanceOf(FencedError)
      await expect(take([0])).rejects.toMatchObject({ code: 'TOPIC_CHANGED' })
    })

    it('says how a topic that was grown by hand is taken up', async () => {
      const { identity, take } = await committed('by-hand')
      await expect(take([0], { ...identity, partitions: 3 * count })).rejects.toMatchObject({
        code: 'TOPIC_CHANGED',
        hint: `npm run repartition -- --partitions ${3 * count}`,
      })
      await expect(take([0], { ...identity, partitions: 3 * count + 1 })).rejects.not.toMatchObject({
        hint: expect.stringContaining('repartition') as unknown,
      })
    })

    it('can be given more again', async () => {
      const { topology, identity, take, change } = await committed('twice')
      await rig.store.repartition(topology, change)
      const offsets = new Map([...change.offsets])
      await rig.store.repartition(topology, { ...change, from: 2 * count, to: 4 * count, offsets })
      const [found] = await take([3 * count + 1], { ...identity, partitions: 4 * count })
      expect(found?.states).toEqual([moved(2 * count, moved(count, bytes(1, 1)))])
    })

    it.each([
      ['the store knows another number of partitions', { from: 3 }, /with 8 partitions/],
      ['it has gone on', { offsets: new Map([[0, 10]]) }, /at work/],
      ['it is another topic', { topic: 'other' }, /other with no partitions/],
    ])('is refused where %s, and nothing changes', async (_, wrong, why) => {
      const { topology, take, change } = await committed('refused')
      const refused: unknown = await rig.store
        .repartition(topology, { ...change, ...wrong })
        .catch((error: unknown) => error)
      expect(refused).toBeInstanceOf(FatalError)
      expect(refused).toMatchObject({ code: 'NOT_REPARTITIONED', why: expect.stringMatching(why) as unknown })
      expect(await take([0])).toMatchObject([{ epoch: 2, states: [bytes(0, 1)] }])
    })

    it('is refused while keys are held, and where another topology reads it too', async () => {
      const { topology, identity, take, part, change } = await committed('held')
      const [{ epoch = 0 } = {}] = await take([0])
      const held = { symbol: 'A', heldFrom: 1, failedAt: 1, error: 'x', historyFrom: 0, state: bytes(1) }
      const holding = { ...part(0), epoch, previousOffset: 10, nextOffset: 10, commitNo: 2 }
      await rig.store.commit({ topology, topic: identity.topic, partitions: [{ ...holding, held: [held] }] })
      const refusal = async (): Promise<unknown> =>
        rig.store.repartition(topology, change).catch((error: unknown) => error)
      expect(await refusal()).toMatchObject({
        code: 'NOT_REPARTITIONED',
        why: expect.stringMatching(/held/) as unknown,
      })
      await rig.store.commit({
        topology,
        topic: identity.topic,
        partitions: [{ ...holding, commitNo: 3, released: ['A'] }],
      })
      await rig.store.takeover(fresh('another'), identity, [0], 1)
      expect(await refusal()).toMatchObject({
        code: 'NOT_REPARTITIONED',
        why: expect.stringMatching(/another topology/) as unknown,
      })
    })
  })
}
