import { describe, expect, it } from 'vitest'
import { FencedError } from '../../schemas/errors.ts'
import { sampleCandle, sampleCommit, samplePart } from '../sample-commit.ts'
import { bytes, checkpoint, everything, fresh, letter, type StoreRig } from './store-rig.ts'

/** What one commit changes, and what a refused one does not. */
export function commitCases(rig: StoreRig): void {
  const { own } = rig
  describe('a commit', () => {
    it('moves the position of each of its partitions', async () => {
      const topology = fresh('moves')
      const of = await own(topology, [2, 5])
      await rig.store.commit(
        sampleCommit(
          topology,
          samplePart({ partition: 2, epoch: of(2).epoch, previousOffset: 0, commitNo: 1, nextOffset: 7 }),
          samplePart({ partition: 5, epoch: of(5).epoch, previousOffset: 0, commitNo: 1, nextOffset: 9 }),
        ),
      )
      expect(await rig.store.positions(topology)).toEqual([
        { partition: 2, epoch: of(2).epoch, nextOffset: 7, commitNo: 1 },
        { partition: 5, epoch: of(5).epoch, nextOffset: 9, commitNo: 1 },
      ])
    })

    it.each([
      { name: 'by an older epoch', epochShift: -1, previousOffset: 0 },
      { name: 'by a newer epoch', epochShift: 1, previousOffset: 0 },
      { name: 'by an offset behind', epochShift: 0, previousOffset: -1 },
      { name: 'by an offset ahead', epochShift: 0, previousOffset: 5 },
    ])('that is fenced $name leaves nothing behind, of no partition', async ({ epochShift, previousOffset }) => {
      const topology = fresh('fenced')
      const symbol = fresh('FENCED')
      const of = await own(topology, [0, 3])
      const deadLetter = letter({ topic: topology })
      const good = samplePart(
        {
          ...{ partition: 0, epoch: of(0).epoch, previousOffset: 0, commitNo: 1 },
          ...{ state: bytes(1), stateFull: true, outbox: bytes(2), deadLetters: [deadLetter] },
          lateRanges: [{ partition: 0, fromOffset: 1, toOffset: 2, symbol: topology, reason: 'late', count: 2 }],
        },
        [sampleCandle({ symbol })],
      )
      const fenced = samplePart(
        { partition: 3, epoch: of(3).epoch + epochShift, previousOffset, commitNo: 1, nextOffset: 20 },
        [sampleCandle({ symbol, start: 60_000 })],
      )
      const refused: unknown = await rig.store
        .commit(sampleCommit(topology, good, fenced))
        .catch((error: unknown) => error)
      expect(refused).toBeInstanceOf(FencedError)
      expect(refused).toMatchObject({ code: 'FENCED', message: 'The commit was fenced: partitions 3', partitions: [3] })
      expect(await rig.store.candles({ symbol, interval: 60, ...everything })).toEqual([])
      expect(await rig.store.deadLetters(1_000)).not.toContainEqual(expect.objectContaining({ topic: topology }))
      expect(await rig.store.lateRanges(1_000)).not.toContainEqual(expect.objectContaining({ symbol: topology }))
      const after = await own(topology, [0, 3], 2000)
      expect(after(0)).toEqual(checkpoint(0, { epoch: 2000 }))
      expect(after(3)).toEqual(checkpoint(3, { epoch: 2000 }))
    })

    it('names every partition that is fenced', async () => {
      const topology = fresh('all-fenced')
      await own(topology, [0, 1, 2])
      const parts = [0, 1, 2].map((partition) => samplePart({ partition, epoch: 1, previousOffset: 0, commitNo: 1 }))
      await expect(rig.store.commit(sampleCommit(topology, ...parts))).rejects.toThrow(/partitions 0, 1, 2$/)
    })

    it('that is made twice is fenced the second time and changes nothing', async () => {
      const topology = fresh('twice')
      const symbol = fresh('TWICE')
      const { epoch } = (await own(topology))(0)
      const commit = sampleCommit(
        topology,
        samplePart({ epoch, previousOffset: 0, commitNo: 1, state: bytes(1), outbox: bytes(2) }, [
          sampleCandle({ symbol }),
        ]),
      )
      await rig.store.commit(commit)
      await expect(rig.store.commit(commit)).rejects.toBeInstanceOf(FencedError)
      expect((await own(topology, [0], 5000))(0)).toEqual(
        checkpoint(0, {
          ...{ epoch: 5000, nextOffset: 10, commitNo: 1, lastSeq: 1 },
          ...{ states: [bytes(1)], outbox: [{ commitNo: 1, payload: bytes(2) }] },
        }),
      )
    })

    it('may follow another without waiting for it', async () => {
      const topology = fresh('pipelined')
      const { epoch } = (await own(topology))(0)
      const numbers = Array.from({ length: 20 }, (_, i) => i)
      await Promise.all(
        numbers.map((i) =>
          rig.store.commit(
            sampleCommit(
              topology,
              samplePart({ epoch, previousOffset: i * 10, commitNo: i + 1 }, [
                sampleCandle({ symbol: topology, start: i * 60_000, close: i }),
              ]),
            ),
          ),
        ),
      )
      const closes = (await rig.store.candles({ symbol: topology, interval: 60, ...everything })).map(
        ({ close }) => close,
      )
      expect(closes).toEqual(numbers)
    })

    it('that breaks a rule leaves nothing in the next', async () => {
      const topology = fresh('rule')
      const { epoch } = (await own(topology))(0)
      const commit = (trades: number) =>
        rig.store.commit(
          sampleCommit(
            topology,
            samplePart({ epoch, previousOffset: 0, commitNo: 1 }, [sampleCandle({ symbol: topology, trades })]),
          ),
        )
      await expect(commit(0.5)).rejects.toThrow(/integer/)
      await commit(5)
      expect(await rig.store.latest([topology], 60)).toMatchObject([{ trades: 5 }])
    })

    it('of no partition is nothing', async () => {
      await expect(rig.store.commit(sampleCommit(fresh('none')))).resolves.toBeUndefined()
    })
  })
}
