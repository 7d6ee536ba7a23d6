import { describe, expect, it } from 'vitest'
import { FatalError, FencedError } from '../../schemas/errors.ts'
import { sampleCommit, samplePart, sampleTopic } from '../sample-commit.ts'
import { bytes, checkpoint, fresh, type StoreRig } from './store-rig.ts'

/** An even number; the proof takes a thousand. */
const takeovers = Number(process.env['TAKEOVERS'] ?? 100)

/** What a new owner finds, and what the owner before can no longer do. */
export function takeoverCases(rig: StoreRig): void {
  const { own } = rig
  describe('a takeover', () => {
    it('finds nothing of a new partition', async () => {
      expect((await own(fresh('new'), [4], 77))(4)).toEqual(checkpoint(4, { epoch: 77 }))
    })

    it('raises the epoch every time, by the clock or by one where the clock stands back', async () => {
      const topology = fresh('epochs')
      const epochs: number[] = []
      for (const nowMs of [1_000, 500, 1_001, 9_000]) epochs.push((await own(topology, [0], nowMs))(0).epoch)
      expect(epochs).toEqual([1_000, 1_001, 1_002, 9_000])
    })

    it(`raises the epoch strictly, ${takeovers} times within a second of the clock, and when it is set back`, async () => {
      const topology = fresh('thousand')
      const epochs: number[] = []
      for (let i = 0; i < takeovers; i++) {
        const nowMs = i === takeovers / 2 ? 1_000_000 : 9_000_000 + i
        epochs.push((await own(topology, [0], nowMs))(0).epoch)
      }
      expect(epochs.every((epoch, i) => i === 0 || epoch > (epochs[i - 1] ?? 0))).toBe(true)
      expect(epochs.at(-1)).toBe(9_000_000 + takeovers - 1)
    }, 120_000)

    it('fences the owner before, and only of the partitions taken', async () => {
      const topology = fresh('owners')
      const before = await own(topology, [0, 1])
      await own(topology, [1], 9_000)
      const part = (partition: number) =>
        samplePart({ partition, epoch: before(partition).epoch, previousOffset: 0, commitNo: 1 })
      await expect(rig.store.commit(sampleCommit(topology, part(1)))).rejects.toBeInstanceOf(FencedError)
      await expect(rig.store.commit(sampleCommit(topology, part(0)))).resolves.toBeUndefined()
    })

    it('returns the last full state and the changes since, in order, and the outbox not yet acknowledged', async () => {
      const topology = fresh('states')
      const { epoch } = (await own(topology))(0)
      const steps = [
        { state: bytes(1), stateFull: true, outbox: bytes(11), outboxAckedThrough: 0 },
        { state: bytes(2), stateFull: false, outbox: undefined, outboxAckedThrough: 0 },
        { state: bytes(3), stateFull: true, outbox: bytes(13), outboxAckedThrough: 1 },
        { state: bytes(4), stateFull: false, outbox: bytes(), outboxAckedThrough: 1 },
        { state: bytes(), stateFull: false, outbox: undefined, outboxAckedThrough: 1 },
        { state: bytes(6, 0, 255), stateFull: false, outbox: bytes(16), outboxAckedThrough: 3 },
      ]
      for (const [i, step] of steps.entries()) {
        const part = samplePart({ epoch, previousOffset: i * 10, commitNo: i + 1, lastSeq: i * 3, ...step })
        await rig.store.commit(sampleCommit(topology, part))
      }
      expect((await own(topology, [0], 2000))(0)).toEqual(
        checkpoint(0, {
          ...{ epoch: 2000, nextOffset: 60, commitNo: 6, lastSeq: 15 },
          states: [bytes(3), bytes(4), bytes(6, 0, 255)],
          outbox: [
            { commitNo: 4, payload: bytes() },
            { commitNo: 6, payload: bytes(16) },
          ],
        }),
      )
    })

    it('keeps a large state whole', async () => {
      const topology = fresh('large')
      const { epoch } = (await own(topology))(0)
      const state = new Uint8Array(3_000_000).map((_, i) => i * 31)
      await rig.store.commit(
        sampleCommit(topology, samplePart({ epoch, previousOffset: 0, commitNo: 1, state, stateFull: true })),
      )
      const [found] = (await own(topology, [0], 2000))(0).states
      expect(Buffer.compare(found ?? bytes(), state)).toBe(0)
    })

    it.each([
      { name: 'has another id', change: { topicId: 'topic-2' } },
      { name: 'has more partitions', change: { partitions: 9 } },
      { name: 'has fewer partitions', change: { partitions: 7 } },
    ])('is refused where the topic $name, and raises no epoch', async ({ change }) => {
      const topology = fresh('topic')
      await own(topology)
      const refused: unknown = await rig.store
        .takeover(topology, { ...sampleTopic, ...change }, [0], 9_000)
        .catch((error: unknown) => error)
      expect(refused).toBeInstanceOf(FatalError)
      expect(refused).toMatchObject({ code: 'TOPIC_CHANGED' })
      expect(await rig.store.positions(topology)).toMatchObject([{ epoch: 1000 }])
    })

    it('is refused where another topic was committed, and only then', async () => {
      const topology = fresh('other-topic')
      const take = (topic: string) => rig.store.takeover(topology, { ...sampleTopic, topic, topicId: null }, [0], 1)
      await take('first')
      const [checkpoint] = await take('second')
      const epoch = checkpoint?.epoch ?? -1
      await rig.store.commit(
        sampleCommit(topology, samplePart({ epoch, previousOffset: 0, nextOffset: 5, commitNo: 1 })),
      )
      await take('second')
      await expect(take('first')).rejects.toMatchObject({ code: 'TOPIC_CHANGED' })
      await expect(take('third')).rejects.toMatchObject({ code: 'TOPIC_CHANGED' })
      await take('second')
    })

    it('learns the id of a topic whose broker told none before', async () => {
      const topology = fresh('learns')
      const take = (topicId: string | null) => rig.store.takeover(topology, { ...sampleTopic, topicId }, [0], 1)
      await take(null)
      await take('known')
      await take(null)
      await expect(take('other')).rejects.toMatchObject({ code: 'TOPIC_CHANGED' })
    })
  })
}
