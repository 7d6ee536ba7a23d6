import type { OutgoingRecord, TopicRecords } from '../../ports/broker.ts'
import { createByteReader } from '../../processors/core/byte-buffer.ts'
import type { Flag, StreamRecord } from '../../processors/core/stream-record.ts'
import type { Owed } from './owed.ts'
import type { CallbackSink } from './sinks.ts'

/** A callback that fails so often for one record has its dead letter. */
export const callsMax = 3

/** Headers of a record of a topic sink, and of an internal topic. */
export const flagHeader = 'redwick-flag'
export const idHeader = 'redwick-id'

/** What a partition of a stage owes to topics, by topic, in order. */
export function owedRecords(owed: readonly Owed[], stage: string, source: number): TopicRecords[] {
  const groups = new Map<string, OutgoingRecord[]>()
  for (const { to, name, partition, key, value, flag, seq } of owed) {
    if (to !== 'topic') continue
    const records = groups.get(name) ?? []
    groups.set(name, records)
    const headers = { [flagHeader]: flag, [idHeader]: `${stage}/${source}/${seq}` }
    records.push({ partition, key: key === '' ? null : key, value, headers })
  }
  return [...groups].map(([topic, records]) => ({ topic, records }))
}

/** The record that a callback is owed. */
export function owedCall(sink: CallbackSink<never, Flag>, { key, flag, value }: Owed): StreamRecord<never, Flag> {
  const reader = createByteReader(value)
  const [eventTime, offset] = [reader.f64(), reader.uint()]
  return { flag: flag as Flag, key, value: sink.codec.read(reader), eventTime, offset }
}
