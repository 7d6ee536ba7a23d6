import { expect, it } from 'vitest'
import type { ChannelSnapshot, LivePosition, Snapshot } from '../ports/snapshot.ts'
import { createSnapshotWriter } from './snapshot-writer.ts'

interface Write {
  readonly position: LivePosition | undefined
  readonly channels: readonly ChannelSnapshot[]
}

/** A writer over a snapshot that keeps each write, and fails the ones told. */
function createWriter(onWrite: (count: number) => void = () => undefined, isUrgent = (_now: number) => false) {
  const writes: Write[] = []
  const snapshot = {
    async write(_: number, position: LivePosition | undefined, channels: readonly ChannelSnapshot[]) {
      writes.push({ position, channels })
      await Promise.resolve()
      onWrite(writes.length)
    },
  } as unknown as Snapshot
  let now = 0
  const writer = createSnapshotWriter({
    ...{ snapshot, log: () => undefined, open: () => [], isUrgent: () => isUrgent(now) },
    clock: {
      monotonic: () => now,
      async sleep(ms) {
        now += ms
      },
    },
  })
  const noted = (count: number, q: number) =>
    Array.from({ length: count }, (_, i) => ({ symbol: `S${i}`, interval: 60, e: 1, q, offset: i, seq: q }))
  const wait = (): void => {
    now += 10_000
  }
  return { writer, writes, noted, wait }
}
const shape = ({ position, channels }: Write) => [channels.length, position?.offset]

it('writes much in slices, and the position with the last', async () => {
  const { writer, writes, noted } = createWriter()
  writer.note(0, 1, 7, [])
  await writer.flush()
  writer.note(0, 1, 9, noted(2_500, 1))
  await writer.flush()
  await writer.flush()
  expect(writes.map(shape)).toEqual([
    [0, 7],
    [1_000, undefined],
    [1_000, undefined],
    [500, 9],
  ])
  expect(new Set(writes.flatMap(({ channels }) => channels.map(({ symbol }) => symbol))).size).toBe(2_500)
})

it('owes all of what a slice failed of, once, as it stands by then', async () => {
  const { writer, writes, noted, wait } = createWriter((count) => {
    if (count !== 2) return
    const [first] = channels
    if (first !== undefined) Object.assign(first, { q: 2 })
    writer.note(0, 1, 11, channels.slice(0, 1))
    throw new Error('it was made to fail')
  })
  const channels = noted(1_500, 1)
  writer.note(0, 1, 9, channels)
  await writer.flush()
  expect(writer.isUp).toBe(false)
  wait()
  await writer.flush()
  expect(writes.slice(2).map(shape)).toEqual([
    [1_000, undefined],
    [500, 11],
  ])
  expect(writes.slice(2).flatMap(({ channels: written }) => written.filter(({ q }) => q === 2))).toMatchObject([
    { symbol: 'S0' },
  ])
})

it('stands back while something is urgent, and writes what came meanwhile in one go; but not for ever', async () => {
  let urgentUntil = 3_000
  const { writer, writes, noted } = createWriter(undefined, (now) => {
    if (now > 0 && now < 100) writer.note(0, 1, 11, later)
    return now < urgentUntil
  })
  const [channels, later] = [noted(600, 1), noted(600, 2)]
  writer.note(0, 1, 9, channels)
  await writer.flush()
  expect(writes.map(shape)).toEqual([
    [1_000, undefined],
    [200, 11],
  ])
  urgentUntil = Number.POSITIVE_INFINITY
  writer.note(0, 1, 12, noted(1, 3))
  await writer.flush()
  expect(writes.slice(2).map(shape)).toEqual([[1, 12]])
})

it('when it closes, the write that stood back is done, and what was noted after it', async () => {
  let isUrgent = true
  const { writer, writes, noted } = createWriter(
    (count) => {
      if (count === 1) writer.note(0, 1, 10, noted(1, 2))
    },
    (now) => now > 100 || isUrgent,
  )
  writer.note(0, 1, 9, noted(600, 1))
  const flushed = writer.flush()
  isUrgent = false
  await writer.close()
  expect(writes.map(shape)).toEqual([
    [600, 9],
    [1, 10],
  ])
  await flushed
})

it('writes no more of a partition that was given up between two slices', async () => {
  const { writer, writes, noted } = createWriter((count) => {
    if (count === 1) writer.forget(0)
  })
  writer.note(0, 1, 9, noted(1_500, 1))
  await writer.flush()
  expect(writes.map(shape)).toEqual([[1_000, undefined]])
})
