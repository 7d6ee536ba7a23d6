import { expect, it } from 'vitest'
import { createByteReader, createByteWriter } from './byte-buffer.ts'
import type { Envelope } from './envelope.ts'
import { createRekeyedDoor } from './rekeyed-door.ts'

const envelope = (input: number, source: number, seq: number): Envelope => ({
  ...{ kind: 'record', flag: 'event', key: 'k', eventTime: seq, payload: new Uint8Array() },
  ...{ input, source, seq, watermark: seq },
})

function restored(from: readonly number[], to: readonly number[]) {
  const before = createRekeyedDoor(from)
  for (const [input, size] of from.entries())
    for (let source = 0; source < size; source++) before.enter(envelope(input, source, 10 * input + source + 1))
  const writer = createByteWriter()
  before.write(writer)
  const after = createRekeyedDoor(to)
  after.read(createByteReader(writer.finish()))
  return after
}

it('a door that is read goes on where the one that wrote it was', () => {
  const door = restored([1, 2], [1, 2])
  expect(door.watermark).toBe(1)
  expect(door.enter(envelope(1, 1, 12))).toBe('repeated')
  expect(door.enter(envelope(1, 1, 13))).toBe('new')
})

it.each([
  { name: 'a partition more', to: [2, 2] },
  { name: 'an input more', to: [1, 2, 1] },
  { name: 'an input less', to: [1] },
  { name: 'as many partitions in another order', to: [2, 1] },
])('a door of $name is refused, and numbers nobody anew', ({ to }) => {
  expect(() => restored([1, 2], to)).toThrow('an internal topic was written by 2 inputs of 1, 2 partitions')
})
