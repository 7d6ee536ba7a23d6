import { describe, expect, it } from 'vitest'
import { decoderRig, encode, encodeControl, heartbeat } from '../test/tick-decoder-rig.ts'
import { aTick } from '../test/tick-rows.ts'
import { pushed } from './batch-decoder.ts'
import type { ControlRecord } from './control.ts'
import { framed } from './wire-format.ts'

describe('control records', () => {
  const records: ControlRecord[] = [
    heartbeat,
    { kind: 'heartbeat', line: 'é', from: 0, to: 0, cursor: null },
    { kind: 'end', line: 'l' },
    { kind: 'move', line: 'l', symbol: 'BTC-USD' },
    { kind: 'reject', line: 'l', source: 'f.csv', position: 7, reason: 'BAD_PRICE', detail: 'd', payload: 'p€' },
  ]

  it.each(records)('of kind $kind come back as they were', async (record) => {
    const { push, take } = await decoderRig()
    push(encodeControl(record), record.kind, 9)
    expect(take().controls).toEqual([{ row: 0, offset: 9, appendTime: 0, record }])
  })

  it('stand before the row that follows them', async () => {
    const { push, take } = await decoderRig()
    push(encode(aTick()))
    push(encodeControl(heartbeat), 'heartbeat')
    push(encode(aTick()))
    push(encodeControl({ kind: 'end', line: 'l' }), 'end')
    expect(take().controls.map(({ row }) => row)).toEqual([1, 2])
  })

  it.each([
    { name: 'a kind that is not known', value: encodeControl(heartbeat), kind: 'dance', reason: 'BAD_CONTROL' },
    { name: 'another kind in the header', value: encodeControl(heartbeat), kind: 'end', reason: 'BAD_CONTROL' },
    { name: 'a cut value', value: encodeControl(heartbeat).subarray(0, -1), kind: 'heartbeat', reason: 'BAD_CONTROL' },
    { name: 'no value', value: null, kind: 'end', reason: 'NO_VALUE' },
    { name: 'no framing', value: Buffer.from('hi'), kind: 'end', reason: 'MALFORMED' },
    { name: 'the schema of ticks', value: encode(aTick()), kind: 'end', reason: 'INCOMPATIBLE_SCHEMA' },
    { name: 'an unknown id', value: framed(99, Buffer.from('hi')), kind: 'end', reason: 'UNKNOWN_SCHEMA' },
  ])('with $name are refused as $reason', async ({ value, kind, reason }) => {
    const { push, take } = await decoderRig()
    expect(push(value, kind)).toBe(pushed.taken)
    const { controls, refused } = take()
    expect(controls).toEqual([])
    expect(refused).toMatchObject([{ reason }])
  })

  it('hold no more than a few MiB of a batch', async () => {
    const { push } = await decoderRig()
    const value = encodeControl({
      kind: 'reject',
      line: 'l',
      source: '',
      position: 0,
      reason: '',
      detail: '',
      payload: 'p'.repeat(1_000_000),
    })
    const results = Array.from({ length: 8 }, () => push(value, 'reject'))
    expect(results.filter((result) => result === pushed.taken).length).toBeLessThanOrEqual(5)
    expect(results.at(-1)).toBe(pushed.full)
  })
})
