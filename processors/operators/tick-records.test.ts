import { Subject } from 'rxjs'
import { describe, expect, it } from 'vitest'
import type { ColumnBatch } from '../../schemas/columns.ts'
import { Interner } from '../../schemas/interner.ts'
import type { Tick } from '../../schemas/tick.ts'
import { createColumnLog, type LogEntry } from '../../test/column-log.ts'
import { aTick } from '../../test/tick-rows.ts'
import { barrier, type TestBarrier } from '../../topology/testing/elements.ts'
import { createByteReader } from '../core/byte-buffer.ts'
import { conservationBreach, createConservation } from '../core/effects.ts'
import type { Flow, StreamElement } from '../core/stream-element.ts'
import { createSymbolIndex } from '../core/symbol-index.ts'
import { admit } from './admit.ts'
import { deduplicate } from './deduplicate.ts'
import { tickRecords } from './tick-records.ts'

const outOfOrdernessMs = 2

/** A partition's door, deduplication and records, fed with a log. */
function createRig(restored: readonly TestBarrier[] = [], idleAfterMs = 1e12) {
  const [symbols, lines] = [new Interner(), new Interner()]
  const counts = createConservation()
  const input = new Subject<StreamElement<ColumnBatch>>()
  const out: Flow<Tick>[] = []
  input
    .pipe(admit(), deduplicate('by-trade', { within: '10m' }), tickRecords())
    .subscribe((element) => out.push(element))
  const nothing = (): void => undefined
  input.next({
    kind: 'open',
    context: {
      ...{ partition: 0, partitions: 1, symbols: createSymbolIndex(symbols), lines: createSymbolIndex(lines) },
      watermark: { outOfOrdernessMs, idleAfterMs, futureBoundMs: 60_000 },
      effects: {
        counts,
        deadLetter: nothing,
        skipped: nothing,
        refuse: nothing,
        takeOutcome: () => undefined,
        alarm: nothing,
      },
      restored: (stepId) =>
        restored.flatMap((from) => {
          const image = from.images().get(stepId)
          return image === undefined ? [] : [createByteReader(image)]
        }),
    },
  })
  out.length = 0
  const log = createColumnLog(symbols, lines)
  return {
    /** One batch. @returns What came out: records by symbol and event time, watermarks as numbers. */
    feed(...entries: readonly LogEntry[]): readonly (string | number)[] {
      input.next({ kind: 'rows', rows: log.batch(entries) })
      return this.take().flatMap((element): (string | number)[] => {
        if (element.kind === 'watermark') return [element.watermark]
        return element.kind === 'rows' ? [`${element.rows.key}@${element.rows.eventTime}`] : []
      })
    },
    take: () => out.splice(0),
    records(...entries: readonly LogEntry[]): readonly unknown[] {
      input.next({ kind: 'rows', rows: log.batch(entries) })
      return this.take().flatMap((element) => (element.kind === 'rows' ? [element.rows] : []))
    },
    checkpoint(full = true): TestBarrier {
      const made = barrier({ full })
      input.next(made)
      out.length = 0
      return made
    },
    counts,
  }
}

let nextId = 1
const tick = (symbol: string, line: string, eventTime: number): LogEntry => ({
  tick: aTick({ symbol, line, eventTime, tradeId: nextId++ }),
})
const heartbeat = (line: string, to: number): LogEntry => ({
  control: { kind: 'heartbeat', line, from: 0, to, cursor: null },
})
const end = (line: string): LogEntry => ({ control: { kind: 'end', line } })
const move = (symbol: string, line: string): LogEntry => ({ control: { kind: 'move', symbol, line } })

describe('tickRecords', () => {
  it('makes a record of each tick, with its offset and all of its fields', () => {
    const rig = createRig()
    const value = aTick({ symbol: 'A', line: 'x', eventTime: 100 })
    rig.feed(tick('B', 'x', 50))
    expect(rig.records({ tick: value, appendTime: 7 })).toEqual([
      { flag: 'event', key: 'A', value: { ...value, ingestTime: 7 }, eventTime: 100, offset: 1 },
    ])
  })
  it('puts the watermark before the record that moved it: its time less the out-of-orderness less 1', () => {
    expect(createRig().feed(tick('A', 'x', 100), tick('A', 'x', 99), tick('A', 'x', 110))).toEqual([
      ...[97, 'A@100', 'A@99', 107, 'A@110'],
    ])
  })
  it('waits for the line that is behind', () => {
    const rig = createRig()
    rig.feed(tick('A', 'x', 100), tick('B', 'y', 90))
    expect(rig.feed(tick('A', 'x', 200), tick('B', 'y', 150), tick('B', 'y', 300))).toEqual([
      ...['A@200', 147, 'B@150', 197, 'B@300'],
    ])
  })
  it('never goes back for a line that comes later', () => {
    const rig = createRig()
    rig.feed(tick('A', 'x', 100))
    expect(rig.feed(tick('B', 'y', 10), tick('A', 'x', 200), tick('B', 'y', 120))).toEqual([
      ...['B@10', 'A@200', 117, 'B@120'],
    ])
  })
  it('moves by the heartbeat of a quiet line, also where no tick comes at all', () => {
    const rig = createRig()
    rig.feed(tick('A', 'x', 100), tick('B', 'y', 100))
    expect(rig.feed(tick('A', 'x', 200), heartbeat('y', 150), heartbeat('y', 400))).toEqual(['A@200', 147, 197])
  })
  it('is held up by no line that is over, until it says something again', () => {
    const rig = createRig()
    rig.feed(tick('A', 'x', 100), tick('B', 'y', 100))
    expect(rig.feed(tick('A', 'x', 200), end('y'))).toEqual(['A@200', 197])
    expect(rig.feed(tick('B', 'y', 210), tick('A', 'x', 300))).toEqual(['B@210', 207, 'A@300'])
  })
  it('is held up by no line that was silent for long while another spoke, by append time, until it speaks again', () => {
    const idleAfterMs = 50
    const rig = createRig([], idleAfterMs)
    const at = (appendTime: number, entry: LogEntry): LogEntry => ({ ...entry, appendTime })
    rig.feed(at(1000, tick('A', 'x', 100)), at(1000, tick('B', 'y', 90)))
    expect(rig.feed(at(1000 + idleAfterMs, tick('A', 'x', 200)))).toEqual(['A@200'])
    expect(rig.feed(at(1001 + idleAfterMs, tick('A', 'x', 201)))).toEqual([198, 'A@201'])
    expect(rig.feed(at(1002 + idleAfterMs, tick('B', 'y', 203)), at(1002 + idleAfterMs, tick('A', 'x', 300)))).toEqual([
      ...['B@203', 200, 'A@300'],
    ])
  })
  it('is the greatest that any line had when all are over', () => {
    const rig = createRig()
    rig.feed(tick('A', 'x', 100), tick('B', 'y', 500))
    expect(rig.feed(end('y'), end('x'))).toEqual([497])
  })
  it('is not held up by a line whose last symbol moved away, but by the one that it moved to', () => {
    const rig = createRig()
    rig.feed(tick('A', 'x', 100), tick('B', 'y', 100))
    expect(rig.feed(tick('A', 'x', 200), move('B', 'z'), tick('B', 'z', 150), tick('B', 'z', 400))).toEqual([
      ...['A@200', 147, 'B@150', 197, 'B@400'],
    ])
  })
  it('leaves out what was dropped before: a duplicate moves time, a bad tick does not', () => {
    const rig = createRig()
    const first: LogEntry = { tick: aTick({ symbol: 'A', line: 'x', eventTime: 100, tradeId: 1 }) }
    const bad: LogEntry = { tick: aTick({ symbol: 'A', line: 'x', eventTime: 999, price: -1 }) }
    expect(rig.feed(first, first, bad)).toEqual([97, 'A@100'])
    expect({ ...rig.counts, breach: conservationBreach(rig.counts) }).toMatchObject({
      ...{ in: 3, used: 1, duplicate: 1, rejected: 1, breach: 0 },
    })
  })
  it('does not depend on how the log was cut into batches', () => {
    const entries = [tick('A', 'x', 100), heartbeat('y', 50), tick('B', 'y', 80), end('y'), tick('A', 'x', 130)]
    const [whole, single] = [createRig(), createRig()]
    expect(entries.flatMap((entry) => single.feed(entry))).toEqual(whole.feed(...entries))
  })
  it.each([true, false])('goes on after a restart where the lines were (full image: %s)', (full) => {
    const rig = createRig()
    rig.feed(tick('A', 'x', 100), tick('B', 'y', 100))
    const first = rig.checkpoint()
    rig.feed(tick('A', 'x', 200), tick('C', 'w', 190), end('w'))
    const second = rig.checkpoint(full)
    const again = createRig(full ? [second] : [first, second])
    expect(again.feed(tick('A', 'x', 201), tick('B', 'y', 150))).toEqual(['A@201', 147, 'B@150'])
  })
})
