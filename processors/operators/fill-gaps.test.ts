import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { propertyRuns } from '../../test/property-runs.ts'
import { barrier, type RecordElement, record, said, watermark } from '../../topology/testing/elements.ts'
import { driveFlow } from '../../topology/testing/flow-driver.ts'
import { flowMarbles } from '../../topology/testing/marbles.ts'
import type { Flow } from '../core/stream-element.ts'
import type { Windowed, WindowFlag } from '../core/stream-record.ts'
import { sumNumbers } from '../core/windows/aggregate.ts'
import { fillersMax } from '../core/windows/gap-filler.ts'
import { aggregate } from './aggregate.ts'
import { fillGaps } from './fill-gaps.ts'
import { tumblingWindows } from './windows.ts'

const runs = propertyRuns(200)

type Word = RecordElement<Windowed<number>, WindowFlag>
const said1 = (flag: WindowFlag, start: number, value: number, revision = 1): Word =>
  said(flag, 'k', [start, start + 10], value, revision)

const previous = fillGaps<number, 'previous'>('filled', { every: 10, fill: 'previous', allowedLateness: 20 })
const given = {
  ...{ a: said1('final', 0, 1), b: said1('final', 10, 2), d: said1('final', 30, 4) },
  ...{ v: watermark(9), w: watermark(19), x: watermark(29), y: watermark(39), z: barrier() },
}

describe('fillGaps', () => {
  it('says a filler when the watermark passes the end of a window that did not come', () => {
    flowMarbles(previous)
      .given('-a-v-w---|', given)
      .gives('-a-v-(fw)|', { a: given.a, f: said1('final', 10, 1, 0) })
  })
  it('has no filler before the first window of a key', () => {
    flowMarbles(previous).given('-v-w-d-|', given).gives('-v-w-d-|', { d: given.d })
  })
  it('fills what lies between two windows before it says the second', () => {
    flowMarbles(previous)
      .given('-a-d----|', given)
      .gives('-a-(fgd)|', { ...given, f: said1('final', 10, 1, 0), g: said1('final', 20, 1, 0) })
  })
  it('is corrected by a window that comes after its filler, with the fillers that carried what was before', () => {
    flowMarbles(previous)
      .given('-a-x-----b---|', given)
      .gives('-a-(fgx)-(BG)|', {
        ...{ a: given.a, f: said1('final', 10, 1, 0), g: said1('final', 20, 1, 0) },
        ...{ B: said1('correction', 10, 2), G: said1('correction', 20, 2, 0) },
      })
  })
  it('carries a correction on', () => {
    const corrected = said1('correction', 0, 7, 2)
    flowMarbles(previous)
      .given('-a-w---c---|', { ...given, c: corrected })
      .gives('-a-(fw)(CF)|', {
        ...{ a: given.a, f: said1('final', 10, 1, 0), C: corrected, F: said1('correction', 10, 7, 0) },
      })
  })
  it('fills the place of a window that is withdrawn, and forgets a key that has none left', () => {
    flowMarbles(previous)
      .given('-a-b-r-s---|', { ...given, r: said1('retraction', 10, 2), s: said1('retraction', 0, 1) })
      .gives('-a-b-R-(SF)|', {
        ...{ a: given.a, b: given.b, R: said1('correction', 10, 1, 0), S: said1('retraction', 0, 1) },
        F: said('retraction', 'k', [10, 20], undefined as unknown as number, 0),
      })
  })
  it('carries no further than the next window, in whatever order they came', () => {
    const c = said1('final', 20, 3)
    const B = said1('correction', 10, 9, 2)
    flowMarbles(previous)
      .given('-a-d----b---c-B-|', { ...given, c, B })
      .gives('-a-(fgd)(bG)c-B-|', {
        ...{ ...given, f: said1('final', 10, 1, 0), g: said1('final', 20, 1, 0), B },
        ...{ b: said1('correction', 10, 2), G: said1('correction', 20, 2, 0), c: said1('correction', 20, 3) },
      })
  })
  it('fills at once what is due when a window comes behind the watermark', () => {
    const u = watermark(25)
    flowMarbles(previous)
      .given('-u-a----|', { ...given, u })
      .gives('-u-(af)-|', { u, a: given.a, f: said1('final', 10, 1, 0) })
  })
  it('forgets what came before the first window that is left', () => {
    const c = said1('final', 20, 3)
    flowMarbles(previous)
      .given('-a-c---r---b-|', { ...given, c, r: said1('retraction', 0, 1) })
      .gives('-a-(fc)(RF)b-|', {
        ...{ ...given, c, f: said1('final', 10, 1, 0), R: said1('retraction', 0, 1) },
        F: said('retraction', 'k', [10, 20], undefined as unknown as number, 0),
      })
  })
  it('has fillers without a value if that is asked', () => {
    flowMarbles(fillGaps<number, 'none'>('filled', { every: 10, fill: 'none', allowedLateness: 20 }))
      .given('-a-w---c-|', { ...given, c: said1('correction', 0, 7, 2) })
      .gives('-a-(fw)c-|', {
        ...{ a: given.a, c: said1('correction', 0, 7, 2), f: said('final', 'k', [10, 20], undefined, 0) },
      })
  })
  it.each([{ flag: 'update' as const }, { flag: 'retraction' as const }])(
    'lets the $flag of a window that did not come by, and fills its place in time',
    ({ flag }) => {
      const u = said1(flag, 10, 5)
      flowMarbles(previous)
        .given('-a-u-w---|', { ...given, u })
        .gives('-a-u-(fw)|', { a: given.a, u, f: said1('final', 10, 1, 0) })
    },
  )
  it('lets the update of a key of which nothing came by', () => {
    const u = said1('update', 0, 5)
    flowMarbles(previous)
      .given('-u-w-|', { ...given, u })
      .gives('-u-w-|', { u })
  })
  it('has windows that begin anywhere, each as long after the other', () => {
    const [p, q] = [said1('final', 3, 1), said1('final', 13, 2)]
    flowMarbles(previous).given('-p-q-|', { p, q }).gives('-p-q-|', { p, q })
  })
  it('takes a correction until its lateness is over, and a lower watermark does not bring it back', () => {
    const c = said1('correction', 0, 7, 2)
    const f = said1('final', 10, 1, 0)
    const { refused } = flowMarbles(previous)
      .given('-a-x-----l-c-|', { ...given, c, x: watermark(29), l: watermark(5) })
      .gives('-a-(fgx)-l---|', { a: given.a, f, g: said1('final', 20, 1, 0), l: watermark(5) })
    expect(refused).toMatchObject([{ result: 'late' }])
    flowMarbles(previous)
      .given('-a-x---c---|', { ...given, c, x: watermark(28) })
      .gives('-a-(fx)(CF)|', { a: given.a, f, C: c, F: said1('correction', 10, 7, 0) })
  })
  it('fills from a window that comes before the first one', () => {
    flowMarbles(previous)
      .given('-d-a----b----|', given)
      .gives('-d-(afg)(BG)-|', {
        ...{ a: given.a, d: given.d, f: said1('final', 10, 1, 0), g: said1('final', 20, 1, 0) },
        ...{ B: said1('correction', 10, 2), G: said1('correction', 20, 2, 0) },
      })
  })
  it('carries what has corrected a filler on as time goes on', () => {
    flowMarbles(previous)
      .given('-a-x-----b---y---|', given)
      .gives('-a-(fgx)-(BG)(hy)|', {
        ...{ a: given.a, f: said1('final', 10, 1, 0), g: said1('final', 20, 1, 0), h: said1('final', 30, 2, 0) },
        ...{ B: said1('correction', 10, 2), G: said1('correction', 20, 2, 0) },
      })
  })
  it('is corrected between two windows up to the later one', () => {
    flowMarbles(previous)
      .given('-a-d-----b---y-|', given)
      .gives('-a-(fgd)-(BG)y-|', {
        ...{ a: given.a, d: given.d, f: said1('final', 10, 1, 0), g: said1('final', 20, 1, 0) },
        ...{ B: said1('correction', 10, 2), G: said1('correction', 20, 2, 0) },
      })
  })
  it('carries what is left when a window is withdrawn', () => {
    flowMarbles(previous)
      .given('-a-b-x---r---|', { ...given, r: said1('retraction', 10, 2) })
      .gives('-a-b-(gx)(RG)|', {
        ...{ a: given.a, b: given.b, g: said1('final', 20, 2, 0) },
        ...{ R: said1('correction', 10, 1, 0), G: said1('correction', 20, 1, 0) },
      })
  })
  it('says one filler for a window that is withdrawn where nothing is carried', () => {
    flowMarbles(fillGaps<number, 'none'>('filled', { every: 10, fill: 'none', allowedLateness: 20 }))
      .given('-a-b-x---r---|', { ...given, r: said1('retraction', 10, 2) })
      .gives('-a-b-(gx)R---|', {
        ...{ a: given.a, b: given.b, g: said('final', 'k', [20, 30], undefined, 0) },
        R: said('correction', 'k', [10, 20], undefined, 0),
      })
  })
  it('begins with the second window of a key when its first is withdrawn', () => {
    const r = said1('retraction', 0, 1)
    flowMarbles(previous)
      .given('-a-b-r-x---|', { ...given, r })
      .gives('-a-b-r-(gx)|', { a: given.a, b: given.b, r, g: said1('final', 20, 2, 0) })
    flowMarbles(previous)
      .given('-a-b-r-a-|', { ...given, r })
      .gives('-a-b-r-a-|', { a: given.a, b: given.b, r })
  })
  it('has no filler of a key of which all was withdrawn', () => {
    const r = said1('retraction', 0, 1)
    flowMarbles(previous)
      .given('-a-r-x-|', { ...given, r })
      .gives('-a-r-x-|', { a: given.a, r })
  })
  it('fills nothing at the end of a source', () => {
    flowMarbles(previous)
      .given('-a-e-|', { ...given, e: watermark(Number.POSITIVE_INFINITY) })
      .gives('-a-e-|', { a: given.a })
  })
  it('refuses a window after its lateness, and one of another length or place', () => {
    const wide = said('final', 'k', [40, 60], 1)
    const askew = said('final', 'k', [45, 55], 1)
    const { refused } = flowMarbles(previous)
      .given('-d-y-b-m-n-|', { ...given, m: wide, n: askew })
      .gives('-d-y-------|', { d: given.d })
    expect(refused.map(({ result }) => result)).toEqual(['late', 'rejected', 'rejected'])
  })
  it('goes on from a checkpoint', () => {
    flowMarbles(previous).given('-a-z|', given).gives('-a-z|', { a: given.a })
    flowMarbles(previous, { restored: [given.z] })
      .given('-tw---b|', { ...given, t: watermark(18) })
      .gives('-t(fw)B|', { t: watermark(18), f: said1('final', 10, 1, 0), B: said1('correction', 10, 2) })
  })
  it.each([{ off: 0 }, { off: 8 }, { off: 9 }])(
    'leaves open what a jump of a year and $off ms would fill',
    ({ off }) => {
      const flow = driveFlow(previous)
      flow.push(given.a)
      const year = 365 * 86_400_000 + off
      expect(flow.push(watermark(year))).toHaveLength(fillersMax + 1)
      const start = Math.floor((year + 1) / 10) * 10
      expect(flow.push(watermark(start + 9))).toMatchObject([
        { rows: { flag: 'final', value: { start, end: start + 10, value: 1 } } },
        { kind: 'watermark' },
      ])
      expect(flow.effects[0]?.alarms).toEqual(['gaps_left_open'])
    },
  )
  it('fills a gap of its bound between two windows, and leaves a longer one open', () => {
    const gapMs = fillersMax * 10
    for (const { start, count, alarms } of [
      { start: gapMs, count: fillersMax, alarms: 0 },
      { start: gapMs + 10, count: 0, alarms: 1 },
    ]) {
      const flow = driveFlow(previous)
      // Far from 1970: it is how far they are from each other that counts.
      const from = 5 * gapMs
      flow.push(said1('final', from, 1))
      expect(flow.push(said1('final', from + 10 + start, 2))).toHaveLength(count + 1)
      expect(flow.effects[0]?.alarms).toHaveLength(alarms)
    }
  })
  it('says what comes in a gap that was left open, or before it, as it came', () => {
    const flow = driveFlow(previous)
    const far = (fillersMax + 9) * 10
    flow.push(given.a, said1('final', far, 2))
    for (const start of [far - 20, 30, far - 20])
      expect(flow.push(said1('final', start, 7))).toMatchObject([
        { rows: { flag: 'final', value: { start, value: 7, revision: 1 } } },
      ])
    expect(flow.push(watermark(far + 19))).toMatchObject([
      { rows: { flag: 'final', value: { start: far + 10, value: 2, revision: 0 } } },
      { kind: 'watermark' },
    ])
    expect(flow.effects[0]?.alarms).toEqual(['gaps_left_open'])
  })
  it('leaves what lies long before the first window of a key alone', () => {
    const flow = driveFlow(previous)
    flow.push(said1('final', (fillersMax + 9) * 10, 2))
    for (const flag of ['final', 'correction'] as const)
      expect(flow.push(said1(flag, 0, 1))).toMatchObject([{ rows: { flag, value: { start: 0 } } }])
    expect(flow.effects[0]?.alarms).toEqual(['gaps_left_open', 'gaps_left_open'])
  })
  it('corrects as many carried fillers as it may make', () => {
    const flow = driveFlow(
      fillGaps<number, 'previous'>('filled', { every: 10, fill: 'previous', allowedLateness: '1d' }),
    )
    flow.push(given.a, watermark(fillersMax * 10 - 1))
    expect(flow.push(said1('correction', 0, 7, 2))).toHaveLength(fillersMax)
    expect(flow.effects[0]?.alarms).toEqual([])
    flow.push(watermark(fillersMax * 10 + 9))
    expect(flow.push(said1('correction', 0, 8, 3))).toHaveLength(fillersMax)
    expect(flow.effects[0]?.alarms).toEqual(['gaps_left_open'])
  })
  it('keeps windows for as long as their lateness lasts', () => {
    const flow = driveFlow(previous)
    const sizes = Array.from({ length: 12 }, (_, i) => {
      flow.push(said1('final', i * 10, 1), watermark(i * 10 + 9))
      return flow.state().get('filled')?.length ?? 0
    })
    expect(new Set(sizes.slice(4)).size).toBe(1)
  })
})

// Goal: what was said last of each window is what came, or what was before it; wherever the state is written and read.
// Method: random events and watermarks through sums of 10 ms; the oracle fills the sums' own last words.
it('any log is filled from the first window of a key to the watermark', () => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ key: fc.constantFrom('a', 'b'), time: fc.integer({ min: -50, max: 200 }) }) },
    { weight: 2, arbitrary: fc.record({ watermark: fc.integer({ min: -50, max: 220 }) }) },
    { weight: 1, arbitrary: fc.record({ full: fc.boolean() }) },
  )
  const sums = aggregate('sums', { window: tumblingWindows(10), allowedLateness: 30, aggregate: sumNumbers })
  const filled = fillGaps<number, 'previous'>('filled', { every: 10, fill: 'previous', allowedLateness: 30 })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 50 }), (log) => {
      const plain = driveFlow(sums)
      const both = driveFlow<number, 'event', Windowed<number>, WindowFlag>((source) => source.pipe(sums, filled))
      const came = new Map<string, number>()
      const words = new Map<string, number>()
      let reached = Number.NEGATIVE_INFINITY
      let hasImage = false
      for (const [i, given] of log.entries()) {
        if ('full' in given) {
          both.restart({ full: given.full || !hasImage })
          hasImage = true
          continue
        }
        const element: Flow<number> =
          'watermark' in given ? watermark(given.watermark) : record(given.key, given.time, i + 1, i)
        if ('watermark' in given) reached = Math.max(reached, given.watermark)
        for (const out of plain.push(element)) if (out.kind === 'rows') note(came, out.rows)
        for (const out of both.push(element)) {
          if (out.kind !== 'rows') continue
          const { key, value, flag } = out.rows
          expect(flag === 'correction', 'a final is the first, a correction is not').toBe(
            words.has(`${key} ${value.start}`),
          )
          note(words, out.rows)
        }
      }
      expect([...words].sort()).toEqual([...filledBy(came, reached)].sort())
    }),
    runs,
  )
})

function note(words: Map<string, number>, { key, value }: { key: string; value: Windowed<number> }): void {
  words.set(`${key} ${value.start}`, value.value)
}

function filledBy(came: ReadonlyMap<string, number>, reached: number): Map<string, number> {
  const filled = new Map<string, number>()
  for (const key of ['a', 'b']) {
    const starts = [...came.keys()].filter((id) => id.startsWith(key)).map((id) => Number(id.slice(2)))
    let value = 0
    for (let start = Math.min(...starts); start <= Math.max(...starts) || start + 9 <= reached; start += 10) {
      if (starts.length === 0) break
      value = came.get(`${key} ${start}`) ?? value
      filled.set(`${key} ${start}`, value)
    }
  }
  return filled
}
