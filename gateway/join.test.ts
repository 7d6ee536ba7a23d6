import { expect, it } from 'vitest'
import type { ChannelSnapshot } from '../ports/snapshot.ts'
import { type Base, join, joins } from './join.ts'
import { applyEmission, createLiveChannel, seedChannel, startEpoch } from './live-channel.ts'
import { candleOf, emissionOf } from './testing/fakes.ts'

const limits = { sizeMax: 3, ageMaxMs: 1000 }
const minute = 60_000
const snapshotOf = (e: number, q: number, given: Partial<ChannelSnapshot> = {}): ChannelSnapshot => ({
  symbol: 'BTC-USDT',
  interval: 60,
  e,
  q,
  seq: 0,
  offset: 0,
  partition: 0,
  open: [],
  ...given,
})
const baseOf = (given: Partial<Base>): Base => ({
  snapshot: undefined,
  position: undefined,
  rows: [],
  missing: new Set(),
  ...given,
})
const channelOf = () => createLiveChannel('BTC-USDT', 60, 0, limits)

/** A channel of epoch 5 whose emissions `from` to `to` were seen. */
function seen(from: number, to: number, whole = false) {
  const channel = channelOf()
  if (whole) startEpoch(channel, 5)
  for (let q = from; q <= to; q++)
    applyEmission(channel, emissionOf(5, q, 'update', candleOf({ start: q * minute, revision: q })), 0)
  return channel
}

it.each([
  { name: 'a snapshot inside the ring joins', channel: seen(1, 3), base: { snapshot: snapshotOf(5, 2) }, fits: true },
  {
    name: 'a snapshot just before the ring joins',
    channel: seen(8, 9),
    base: { snapshot: snapshotOf(5, 7) },
    fits: true,
  },
  {
    name: 'a snapshot before what was let go does not',
    channel: seen(1, 9),
    base: { snapshot: snapshotOf(5, 5) },
    fits: false,
  },
  { name: 'a snapshot ahead of the log joins', channel: seen(1, 3), base: { snapshot: snapshotOf(5, 9) }, fits: true },
  {
    name: 'a snapshot of an earlier epoch does not',
    channel: seen(1, 3),
    base: { snapshot: snapshotOf(4, 2) },
    fits: false,
  },
  {
    name: 'unless the new owner said that all is written, and the ring is whole',
    channel: seen(1, 3, true),
    base: { snapshot: snapshotOf(4, 2), position: { e: 5, offset: 9 } },
    fits: true,
  },
  {
    name: 'no snapshot joins only then',
    channel: seen(1, 3, true),
    base: { position: { e: 5, offset: 9 } },
    fits: true,
  },
  {
    name: 'no snapshot and an old position do not',
    channel: seen(1, 3, true),
    base: { position: { e: 4, offset: 9 } },
    fits: false,
  },
  {
    name: 'a channel the log is silent of needs what came before the log',
    channel: channelOf(),
    base: { position: { e: 5, offset: 8 } },
    fits: false,
  },
  {
    name: 'and joins where the position covers it',
    channel: channelOf(),
    base: { position: { e: 5, offset: 9 } },
    fits: true,
  },
  {
    name: 'or its own record does',
    channel: channelOf(),
    base: { snapshot: snapshotOf(5, 2, { offset: 9 }) },
    fits: true,
  },
])('$name', ({ channel, base, fits }) => expect(joins(baseOf(base), channel, 10)).toBe(fits))

it('a quiet channel keeps its open windows over a takeover, at the new epoch', () => {
  const channel = channelOf()
  startEpoch(channel, 5)
  const open = [candleOf({ start: 0 })]
  const base = baseOf({ snapshot: snapshotOf(4, 7, { open }), position: { e: 5, offset: 0 } })
  expect(join(base, channel, true, 5, 10)).toMatchObject({ e: 5, q: 0, open })
})

it('a channel that the log is silent of is told at the latest epoch, and its first emission there follows', () => {
  const channel = channelOf()
  const joined = join(baseOf({ snapshot: snapshotOf(4, 7), position: { e: 5, offset: 9 } }), channel, true, 5, 10)
  expect(joined).toMatchObject({ e: 5, q: 0 })
  seedChannel(channel, joined)
  expect(applyEmission(channel, emissionOf(5, 1, 'update', candleOf({ start: 0 })), 0)).toBe('next')
})

it.each([
  { name: 'goes on', e: 5, q: 8, applied: 'next' },
  { name: 'repeats', e: 5, q: 7, applied: 'duplicate' },
  { name: 'skips', e: 5, q: 9, applied: 'gap' },
  { name: 'is of another epoch', e: 6, q: 8, applied: 'gap' },
])('after a snapshot at (5, 7) an emission that $name is a $applied', ({ e, q, applied }) => {
  const channel = channelOf()
  seedChannel(channel, { e: 5, q: 7 })
  expect(applyEmission(channel, emissionOf(e, q, 'update', candleOf({ start: 0 })), 0)).toBe(applied)
})

it('a store row wins at equal or higher revision, a later emission at a higher one', () => {
  const rows = [candleOf({ start: 0, revision: 5, final: true }), candleOf({ start: minute, revision: 5, final: true })]
  const open = [
    candleOf({ start: 0, revision: 5, close: 1 }),
    candleOf({ start: minute, revision: 6, close: 2 }),
    candleOf({ start: 2 * minute, revision: 1, close: 3 }),
  ]
  const joined = join(baseOf({ rows, snapshot: snapshotOf(5, 1, { open }) }), channelOf(), true, 5, 10)
  expect(joined.open.map(({ close }) => close)).toEqual([2, 3])
  const channel = seen(1, 1)
  applyEmission(channel, emissionOf(5, 2, 'final', candleOf({ start: minute, revision: 7, seq: 4, close: 9 })), 0)
  const later = join(baseOf({ rows, snapshot: snapshotOf(5, 1, { open }) }), channel, true, 5, 10)
  expect(later).toMatchObject({ e: 5, q: 2, seq: 4 })
  expect(later.rows.map(({ close }) => close)).toEqual([105, 9])
  expect(later.open.map(({ start }) => start)).toEqual([2 * minute])
})
