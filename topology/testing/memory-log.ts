import type { OutgoingRecord } from '../../ports/broker.ts'
import { invariant } from '../../schemas/errors.ts'

/** One record of a topic in memory. */
export interface LoggedRecord extends OutgoingRecord {
  /** Epoch ms. */
  readonly appendTime: number
}

/** Topics in memory: what a broker keeps, without waiting for it. */
export interface MemoryLog {
  /** @throws {InvariantViolation} When it is there with another count. */
  makeTopic(topic: string, partitions: number): void
  append(topic: string, records: readonly OutgoingRecord[], appendTime: number): void
  /** Records of a partition by offset. */
  read(topic: string, partition: number): readonly LoggedRecord[]
  /** Every record of a topic, in the order in which they were appended. */
  all(topic: string): readonly LoggedRecord[]
}

export function createMemoryLog(): MemoryLog {
  const topics = new Map<string, { readonly partitions: LoggedRecord[][]; readonly all: LoggedRecord[] }>()
  const topicOf = (topic: string) => {
    const found = topics.get(topic)
    invariant(found !== undefined, `${topic} is a topic of the topology: it has ${[...topics.keys()].join(', ')}`)
    return found
  }
  return {
    makeTopic(topic, partitions) {
      const there = topics.get(topic)?.partitions.length ?? partitions
      invariant(there === partitions, `${topic} has one partition count, was ${there} and ${partitions}`)
      if (!topics.has(topic)) topics.set(topic, { partitions: Array.from({ length: partitions }, () => []), all: [] })
    },
    append(topic, records, appendTime) {
      const { partitions, all } = topicOf(topic)
      for (const record of records) {
        const partition = partitions[record.partition]
        invariant(partition !== undefined, `${topic} has ${partitions.length} partitions, was ${record.partition}`)
        partition.push({ ...record, appendTime })
        all.push({ ...record, appendTime })
      }
    },
    read: (topic, partition) => topicOf(topic).partitions[partition] ?? [],
    all: (topic) => topicOf(topic).all,
  }
}
