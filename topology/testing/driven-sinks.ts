import type { Flag } from '../../processors/core/stream-record.ts'
import { invariant, messageOf } from '../../schemas/errors.ts'
import { callsMax, owedCall } from '../records/delivery.ts'
import type { Owed } from '../records/owed.ts'
import type { CallbackSink, RecordSink, TopicSink } from '../records/sinks.ts'
import { createSinksEnd, type EndWriter, type OpenTopic, openTopicSink } from '../records/stage-end.ts'
import type { MemoryLog } from './memory-log.ts'
import { createMemoryTables, type MemoryTables } from './memory-tables.ts'
import { type Called, type PublishedRecord, publishedReader, type SchemaIds } from './record-world.ts'

/** What stands behind the sinks of a topology: tables, topics, and functions of the user. */
export interface DrivenSinks {
  readonly tables: MemoryTables
  /** Makes tables and topics. @param partitions Of the stage. */
  open(sinks: readonly RecordSink<never>[], partitions: number): EndWriter
  /** Calls the function that is owed a record. @returns Why it was given up; undefined for no callback too. */
  deliver(owed: Owed): string | undefined
  /** @throws What a promise of a callback rejected with since it was last asked. */
  throwRejection(): void
  topic(name: string): readonly PublishedRecord[]
  callbacks(id: string): readonly Called[]
}

export interface DrivenSinksOptions {
  readonly log: MemoryLog
  readonly ids: SchemaIds
  /** Called in place of a sink's own function, by its id. */
  readonly callbacks: Readonly<Record<string, (record: Called) => void>>
}

export function createDrivenSinks({ log, ids, callbacks }: DrivenSinksOptions): DrivenSinks {
  const tables = createMemoryTables()
  const topics = new Map<string, TopicSink<never, Flag>>()
  const functions = new Map<string, CallbackSink<never, Flag>>()
  const calls = new Map<string, Called[]>()
  let rejection: { readonly error: unknown } | undefined

  const call = (sink: CallbackSink<never, Flag>, owed: Owed): void => {
    const record = owedCall(sink, owed)
    const standIn = callbacks[sink.name]
    const result = standIn === undefined ? sink.call(record) : standIn(record)
    // Nothing is awaited here.
    if (result instanceof Promise)
      result.catch((error: unknown) => {
        rejection = { error }
      })
    calls.get(sink.name)?.push(record)
  }
  return {
    tables,
    open(sinks, partitions) {
      const opened = new Map<RecordSink<never>, OpenTopic>()
      for (const sink of sinks) {
        if (sink.sink === 'table') tables.ensureTable(sink.spec)
        if (sink.sink === 'callback') {
          functions.set(sink.name, sink)
          calls.set(sink.name, [])
        }
        if (sink.sink !== 'topic') continue
        const count = sink.partitions ?? partitions
        log.makeTopic(sink.name, count)
        topics.set(sink.name, sink)
        opened.set(sink, openTopicSink(sink, sink.name, count, ids.idOf(sink.schema)))
      }
      return createSinksEnd(sinks, opened)
    },
    deliver(owed) {
      const sink = owed.to === 'callback' ? functions.get(owed.name) : undefined
      if (sink === undefined) return undefined
      let why = ''
      for (let tries = 0; tries < callsMax; tries++) {
        try {
          call(sink, owed)
          return undefined
        } catch (error) {
          why = messageOf(error)
        }
      }
      return why
    },
    throwRejection() {
      const rejected = rejection
      rejection = undefined
      if (rejected !== undefined) throw rejected.error
    },
    topic(name) {
      const sink = topics.get(name)
      invariant(sink !== undefined, `the topology writes the topics ${[...topics.keys()].join(', ')}, was ${name}`)
      return log.all(name).map(publishedReader(sink, ids))
    },
    callbacks(id) {
      const called = calls.get(id)
      invariant(called !== undefined, `the topology calls ${[...calls.keys()].join(', ')}, was ${id}`)
      return called
    },
  }
}
