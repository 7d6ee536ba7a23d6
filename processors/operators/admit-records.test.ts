import { Subject } from 'rxjs'
import { describe, expect, it } from 'vitest'
import type { RecordBatch } from '../../schemas/record-batch.ts'
import { barrier } from '../../topology/testing/elements.ts'
import { createTestContext } from '../../topology/testing/test-context.ts'
import { createByteReader } from '../core/byte-buffer.ts'
import type { Flow, StreamElement } from '../core/stream-element.ts'
import { admitRecords } from './admit-records.ts'

interface Click {
  readonly user: unknown
  readonly at: unknown
}

const appendTime = 1000
const futureBoundMs = 50
const refused = {
  offset: 7,
  reason: 'MALFORMED',
  detail: 'no Avro',
  schemaId: null,
  payload: new Uint8Array([1]),
} as const

function createRig(restored?: ReadonlyMap<string, Uint8Array>) {
  const { context, effects } = createTestContext()
  const source = new Subject<StreamElement<RecordBatch<Click>>>()
  const out: unknown[] = []
  const { counts } = context.effects
  source
    .pipe(admitRecords<Click>({ key: (click) => click.user, eventTime: (click) => click.at }))
    .subscribe((element: Flow<Click>) => {
      if (element.kind === 'rows') out.push(`${element.rows.key}@${element.rows.eventTime}#${element.rows.offset}`)
      if (element.kind === 'watermark') out.push(element.watermark)
    })
  source.next({
    kind: 'open',
    context: {
      ...context,
      watermark: { outOfOrdernessMs: 3, idleAfterMs: 0, futureBoundMs },
      restored: (id) => (restored?.has(id) ? [createByteReader(restored.get(id) ?? new Uint8Array())] : []),
    },
  })
  let offset = 0
  return {
    ...{ effects, counts },
    feed(clicks: readonly Click[], more: Partial<RecordBatch<Click>> = {}): unknown[] {
      const records = clicks.map((value) => ({ offset: offset++, appendTime, value }))
      source.next({
        kind: 'rows',
        rows: { partition: 0, baseOffset: 0, nextOffset: offset, records, refused: [], controls: 0, ...more },
      })
      return out.splice(0)
    },
    state(): ReadonlyMap<string, Uint8Array> {
      const made = barrier()
      source.next(made)
      return made.images()
    },
  }
}

describe('admitRecords', () => {
  it('puts the watermark before the record that moved it', () => {
    const rig = createRig()
    expect(
      rig.feed([
        { user: 'a', at: 5 },
        { user: 'b', at: 12 },
        { user: 'c', at: 9 },
      ]),
    ).toEqual([...[1, 'a@5#0', 8, 'b@12#1', 'c@9#2']])
    expect(rig.counts).toMatchObject({ in: 3, used: 3 })
  })
  it.each([
    { name: 'a key that is no text', click: { user: null, at: 5 }, reason: 'BAD_KEY' },
    { name: 'an empty key', click: { user: '', at: 5 }, reason: 'BAD_KEY' },
    { name: 'a key of more than 1024 characters', click: { user: 'k'.repeat(1025), at: 5 }, reason: 'BAD_KEY' },
    { name: 'an event time that is no number', click: { user: 'a', at: 'x' }, reason: 'BAD_TIME' },
    { name: 'an event time before the year 1', click: { user: 'a', at: -1e15 }, reason: 'BAD_TIME' },
    {
      name: 'an event time ahead of its append',
      click: { user: 'a', at: appendTime + futureBoundMs + 1 },
      reason: 'FUTURE_TIME',
    },
  ])('$name is a dead letter, moves no watermark, and the next goes on', ({ click, reason }) => {
    const rig = createRig()
    expect(rig.feed([click, { user: 'b', at: 4 }])).toEqual([0, 'b@4#1'])
    expect(rig.effects.deadLetters).toMatchObject([{ offset: 0, reason }])
    expect(rig.counts).toMatchObject({ in: 2, used: 1, rejected: 1 })
  })
  it('takes a number as a key, and an event time exactly at the bound', () => {
    expect(createRig().feed([{ user: 7, at: appendTime + futureBoundMs }])).toEqual([1046, '7@1050#0'])
  })
  it('passes on what the decoder refused, and counts controls', () => {
    const rig = createRig()
    expect(rig.feed([], { refused: [refused], controls: 2 })).toEqual([])
    expect(rig.effects.deadLetters).toMatchObject([{ offset: 7, reason: 'MALFORMED', detail: 'no Avro' }])
    expect(rig.counts).toMatchObject({ in: 3, rejected: 1, control: 2, used: 0 })
  })
  it('goes on from its checkpoint: a watermark that was told is not told again', () => {
    const rig = createRig()
    rig.feed([{ user: 'a', at: 12 }])
    const next = createRig(rig.state())
    expect(
      next.feed([
        { user: 'b', at: 11 },
        { user: 'c', at: 13 },
      ]),
    ).toEqual(['b@11#0', 9, 'c@13#1'])
  })
})
