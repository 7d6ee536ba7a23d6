import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { propertyRuns } from '../../test/property-runs.ts'
import { barrier, pulse, type RecordElement, record, said, watermark } from '../../topology/testing/elements.ts'
import { driveFlow } from '../../topology/testing/flow-driver.ts'
import { flowMarbles } from '../../topology/testing/marbles.ts'
import type { Flow } from '../core/stream-element.ts'
import type { Windowed, WindowFlag } from '../core/stream-record.ts'
import { sumNumbers } from '../core/windows/aggregate.ts'
import { aggregate } from './aggregate.ts'
import { type RollUpOptions, rollUp } from './roll-up.ts'
import { tumblingWindows } from './windows.ts'

const runs = propertyRuns(200)

type Words = Record<string, RecordElement<Windowed<string>, WindowFlag>>

// Texts show the order in which children are merged.
const options: RollUpOptions<string> = { size: 10, merge: (a, b) => `${a}${b}`, allowedLateness: 5 }
const tens = rollUp('tens', options)
const words = {
  a: said('final', 'k', [0, 5], 'a'),
  b: said('final', 'k', [5, 10], 'b'),
  c: said('correction', 'k', [0, 5], 'c', 2),
  r: said('retraction', 'k', [0, 5], 'a'),
  u: said('update', 'k', [5, 10], 'u'),
} satisfies Words
const given = { ...words, ...{ w: watermark(9), x: watermark(14), z: barrier() } }

describe('rollUp', () => {
  it('merges children by time, whatever came first, and is final at its own end', () => {
    flowMarbles(tens)
      .given('-b-a-w---|', given)
      .gives('-----(fw)|', { f: said('final', 'k', [0, 10], 'ab', 2) })
  })
  it('replaces what a child said before by its correction', () => {
    flowMarbles(tens)
      .given('-a-b-c-w---|', given)
      .gives('-------(fw)|', { f: said('final', 'k', [0, 10], 'cb', 3) })
  })
  it('is corrected after its end', () => {
    flowMarbles(tens)
      .given('-a-w---b-c-|', given)
      .gives('---(fw)g-h-|', {
        f: said('final', 'k', [0, 10], 'a'),
        g: said('correction', 'k', [0, 10], 'ab', 2),
        h: said('correction', 'k', [0, 10], 'cb', 3),
      })
  })
  it('takes back what it said when no child is left, and is final anew with the next', () => {
    flowMarbles(tens)
      .given('-a-w---r-b-|', given)
      .gives('---(fw)R-g-|', {
        f: said('final', 'k', [0, 10], 'a'),
        R: said('retraction', 'k', [0, 10], 'a', 2),
        g: said('final', 'k', [0, 10], 'b', 3),
      })
  })
  it('says nothing of a child that came and went before its end', () => {
    flowMarbles(tens).given('-a-r-w-|', given).gives('-----w-|')
  })
  it('refuses children when its lateness is over', () => {
    const { refused } = flowMarbles(tens).given('-x-b-|', given).gives('-x---|')
    expect(refused).toMatchObject([{ offset: 0, stepId: 'tens', result: 'late' }])
  })
  it('refuses a child that lies in two parents', () => {
    const { refused } = flowMarbles(tens)
      .given('-a-|', { a: said('final', 'k', [8, 12], 'a') })
      .gives('---|')
    expect(refused).toMatchObject([
      { result: 'rejected', detail: 'the window [8, 12) lies in no window of tumbling 10ms' },
    ])
  })
  it('shows open children in updates only, and counts no revision for them', () => {
    flowMarbles(rollUp('tens', { ...options, emitEvery: 0 }))
      .given('-a-u-p---b-w---|', { ...given, p: pulse(1) })
      .gives('-----(vp)--(fw)|', {
        v: said('update', 'k', [0, 10], 'au'),
        f: said('final', 'k', [0, 10], 'ab', 2),
      })
  })
  it('leaves updates of children alone when it gives none', () => {
    flowMarbles(tens)
      .given('-a-u-w---|', given)
      .gives('-----(fw)|', { f: said('final', 'k', [0, 10], 'a') })
  })
  it('keeps what it had when a merge throws', () => {
    const picky = rollUp<string>('tens', {
      ...options,
      merge(a, b) {
        if (b === 'b') throw new RangeError('no b')
        return a + b
      },
    })
    const { refused } = flowMarbles(picky)
      .given('-a-b-w---|', given)
      .gives('-----(fw)|', { f: said('final', 'k', [0, 10], 'a') })
    expect(refused).toMatchObject([{ offset: 1, stepId: 'tens', result: 'rejected', detail: 'no b' }])
  })
  it('goes on from a checkpoint', () => {
    flowMarbles(tens).given('-a-z-|', given).gives('---z-|')
    flowMarbles(tens, { restored: [given.z] })
      .given('-b-w---c|', given)
      .gives('---(fw)d|', { f: said('final', 'k', [0, 10], 'ab', 2), d: said('correction', 'k', [0, 10], 'cb', 3) })
  })
  it('says after a checkpoint what it had before, and nothing of a child that was only withdrawn', () => {
    const [y, z] = [barrier(), barrier()]
    flowMarbles(tens)
      .given('-r-y-a-z-|', { ...given, r: said('retraction', 'j', [0, 5], 'a'), y, z })
      .gives('---y---z-|')
    flowMarbles(tens, { restored: [y, z] })
      .given('-w---|', given)
      .gives('-(fw)|', { f: said('final', 'k', [0, 10], 'a') })
  })
  it.each([{ log: '-x-a-m-w---|' }, { log: '-m-a-x-w---|' }, { log: '-a-x-m-w---|' }])(
    'keeps children that begin or end together apart, the shorter of one start first: $log',
    ({ log }) => {
      const [x, m] = [said('final', 'k', [0, 10], 'x'), said('final', 'k', [2, 5], 'm')]
      flowMarbles(tens)
        .given(log, { ...given, x, m })
        .gives('-------(fw)|', { f: said('final', 'k', [0, 10], 'axm', 3) })
    },
  )
  it('leaves nothing behind', () => {
    const flow = driveFlow(tens)
    flow.push(watermark(14))
    const empty = flow.state().get('tens')?.length
    flow.push(said('final', 'k', [20, 25], 'x'), watermark(34))
    expect(flow.state().get('tens')).toHaveLength(empty ?? -1)
  })
  it('rolls days up to months of a calendar', () => {
    const months = rollUp<string>('months', { ...options, size: { kind: 'calendar', unit: 'month', zone: 'UTC' } })
    const day = 86_400_000
    flowMarbles(months)
      .given('-a-b-w---|', {
        a: said('final', 'k', [30 * day, 31 * day], 'a'),
        b: said('final', 'k', [31 * day, 32 * day], 'b'),
        w: watermark(31 * day - 1),
      })
      .gives('-----(fw)|', { f: said('final', 'k', [0, 31 * day], 'a') })
  })
})

// Goal: a parent is the merge of what its children said last, of those that came and of those that were late.
// Method: random events and watermarks; sums of 10 ms with little lateness, rolled up to 30 ms.
it('any log: the last words of parents are the sums of the last words of their children', () => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ key: fc.constantFrom('a', 'b'), time: fc.integer({ min: -50, max: 150 }) }) },
    { weight: 1, arbitrary: fc.record({ watermark: fc.integer({ min: -50, max: 160 }) }) },
  )
  const children = aggregate('children', { window: tumblingWindows(10), allowedLateness: 5, aggregate: sumNumbers })
  const parents = rollUp<number>('parents', { size: 30, merge: (a, b) => a + b, allowedLateness: 5 })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (log) => {
      const below = driveFlow(children)
      const both = driveFlow<number, 'event', Windowed<number>, WindowFlag>((source) => source.pipe(children, parents))
      const [low, high] = [new Map<string, number>(), new Map<string, number>()]
      const elements = log.map(
        (given, i): Flow<number> =>
          'watermark' in given ? watermark(given.watermark) : record(given.key, given.time, i),
      )
      for (const element of [...elements, watermark(1000)]) {
        for (const out of below.push(element))
          if (out.kind === 'rows') low.set(`${out.rows.key} ${out.rows.value.start}`, out.rows.value.value)
        for (const out of both.push(element))
          if (out.kind === 'rows') high.set(`${out.rows.key} ${out.rows.value.start}`, out.rows.value.value)
      }
      const expected = new Map<string, number>()
      for (const [id, value] of low) {
        const [key, start] = id.split(' ')
        const parent = `${key} ${Math.floor(Number(start) / 30) * 30}`
        expected.set(parent, (expected.get(parent) ?? 0) + value)
      }
      expect([...high].sort()).toEqual([...expected].sort())
      expect(both.effects[0]?.refused.every(({ stepId }) => stepId === 'children')).toBe(true)
    }),
    runs,
  )
})
