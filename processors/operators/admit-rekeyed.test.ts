import { Subject } from 'rxjs'
import { describe, expect, it } from 'vitest'
import type { RecordBatch } from '../../schemas/record-batch.ts'
import { barrier } from '../../topology/testing/elements.ts'
import { createTestContext } from '../../topology/testing/test-context.ts'
import { createByteReader } from '../core/byte-buffer.ts'
import { type Envelope, packEnvelope, unpackEnvelope } from '../core/envelope.ts'
import type { Flow, StreamElement } from '../core/stream-element.ts'
import type { Flag } from '../core/stream-record.ts'
import { admitRekeyed } from './admit-rekeyed.ts'

const place = (source: number, seq: number, watermark: number) => ({ input: 0, source, seq, watermark })
const record = (source: number, seq: number, watermark: number, key: string, eventTime = 0): Envelope => ({
  ...{ kind: 'record', ...place(source, seq, watermark), flag: 'event', key, eventTime },
  payload: Buffer.from(key.toUpperCase()),
})
const time = (kind: 'watermark' | 'idle', source: number, seq: number, watermark: number): Envelope => ({
  ...{ kind, ...place(source, seq, watermark) },
})

/** The door of an internal topic that two source partitions write to. */
function createRig(restored?: ReadonlyMap<string, Uint8Array>) {
  const { context, effects } = createTestContext()
  const source = new Subject<StreamElement<RecordBatch<Envelope>>>()
  const out: unknown[] = []
  const { counts } = context.effects
  source
    .pipe(
      admitRekeyed<string, 'event'>((_input, payload) => {
        const text = Buffer.from(payload).toString()
        if (text === 'BAD') throw new TypeError('unreadable')
        return text
      }),
    )
    .subscribe((element: Flow<string, Flag>) => {
      if (element.kind === 'rows') out.push(element.rows.value)
      if (element.kind === 'watermark') out.push(element.watermark)
    })
  source.next({
    kind: 'open',
    context: {
      ...context,
      inputPartitions: [2],
      restored: (id) => (restored?.has(id) ? [createByteReader(restored.get(id) ?? new Uint8Array())] : []),
    },
  })
  let offset = 0
  return {
    ...{ effects, counts },
    feed(...envelopes: readonly Envelope[]): unknown[] {
      const records = envelopes.map((value) => ({ offset: offset++, appendTime: 0, value }))
      source.next({
        kind: 'rows',
        rows: { partition: 0, baseOffset: 0, nextOffset: offset, records, refused: [], controls: 0 },
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

describe('admitRekeyed', () => {
  it('tells the least watermark of its sources, when each has one', () => {
    expect(createRig().feed(record(0, 1, 10, 'a'), record(1, 1, 7, 'b'), time('watermark', 1, 2, 20))).toEqual([
      ...['A', 7, 'B', 10],
    ])
  })
  it('drops what a source wrote again, by its numbers, and counts it', () => {
    const rig = createRig()
    expect(rig.feed(record(0, 1, 1, 'a'), record(0, 3, 1, 'b'), record(0, 1, 1, 'a'), record(0, 3, 1, 'b'))).toEqual([
      ...['A', 'B'],
    ])
    expect(rig.counts).toMatchObject({ in: 4, used: 2, duplicate: 2 })
  })
  it('knows the numbers of each source by itself', () => {
    expect(createRig().feed(record(0, 5, 1, 'a'), record(1, 1, 1, 'b'))).toEqual(['A', 1, 'B'])
  })
  it('is not held up by an idle source until it says something again and has caught up', () => {
    const rig = createRig()
    rig.feed(record(0, 1, 10, 'a'), record(1, 1, 5, 'b'))
    expect(rig.feed(time('idle', 1, 2, 5), record(0, 2, 30, 'c'))).toEqual([10, 30, 'C'])
    expect(rig.feed(record(1, 3, 12, 'late'), record(0, 3, 40, 'd'))).toEqual(['LATE', 40, 'D'])
    expect(rig.feed(record(1, 4, 41, 'e'), record(0, 4, 50, 'f'))).toEqual(['E', 41, 'F'])
  })
  it('a source or an input that there is not, and a payload that cannot be read, are dead letters', () => {
    const rig = createRig()
    expect(rig.feed(record(2, 1, 1, 'a'), record(0, 1, 1, 'bad'), record(0, 2, 1, 'c'))).toEqual(['C'])
    expect(rig.effects.deadLetters).toMatchObject([
      { offset: 0, reason: 'MALFORMED' },
      { offset: 1, reason: 'MALFORMED', detail: 'unreadable', symbol: 'bad' },
    ])
    expect(rig.counts).toMatchObject({ in: 3, used: 1, rejected: 2 })
  })
  it('goes on from its checkpoint: numbers and watermarks are known', () => {
    const rig = createRig()
    rig.feed(record(0, 1, 10, 'a'), record(1, 1, 7, 'b'), time('idle', 1, 2, 7))
    const next = createRig(rig.state())
    expect(next.feed(record(0, 1, 10, 'a'), record(0, 2, 20, 'c'))).toEqual([20, 'C'])
    expect(next.counts).toMatchObject({ duplicate: 1, used: 1 })
  })
})

describe('an envelope', () => {
  it.each([record(3, 99, -1, 'k', 12), time('watermark', 0, 1, Number.NEGATIVE_INFINITY), time('idle', 1, 2, 5)])(
    'is read as it was packed: $kind',
    (envelope) => {
      const read = unpackEnvelope(packEnvelope(envelope))
      expect(read).toEqual(
        envelope.kind === 'record' ? { ...envelope, payload: new Uint8Array(envelope.payload) } : envelope,
      )
    },
  )
  it('of another version, of no kind, or cut short says what is wrong', () => {
    const packed = packEnvelope(record(0, 1, 2, 'k'))
    expect(unpackEnvelope(Uint8Array.of(9, ...packed.slice(1)))).toMatch('version 9')
    expect(unpackEnvelope(Uint8Array.of(1, 77, ...packed.slice(2)))).toMatch('no known kind')
    for (let end = 0; end < packed.length; end++) expect(unpackEnvelope(packed.slice(0, end))).toBeTypeOf('string')
  })
})
