import type { Broker } from '../../ports/broker.ts'
import type { CandleStore } from '../../ports/candle-store.ts'
import type { Clock } from '../../ports/clock.ts'
import { inTime } from '../../ports/in-time.ts'
import type { Log } from '../../ports/logger.ts'
import type { SchemaRegistry } from '../../ports/schema-registry.ts'
import type { Flag } from '../../processors/core/stream-record.ts'
import type { SourceBatch } from '../../schemas/batch-decoder.ts'
import { messageOf } from '../../schemas/errors.ts'
import { Interner } from '../../schemas/interner.ts'
import { deadLetterRecord } from '../commit-publisher.ts'
import { createFencedProducers, type FencedProducers } from '../fenced-producers.ts'
import type { Stage, StageOutput } from '../stage.ts'
import type { StageDeclaration } from './declaration.ts'
import { callsMax, owedCall, owedRecords } from './delivery.ts'
import { type Owed, type RecordOutbox, unpackRecordOutbox } from './owed.ts'
import { createRecordRunner, type PreparedRecords, type RecordRunner } from './record-runner.ts'
import type { CallbackSink } from './sinks.ts'
import { sourceDecoder } from './source-decoder.ts'
import type { EndWriter } from './stage-end.ts'

const linesMax = 10_000
const pulseEveryMs = 100
const callAgainMs = 100
/** A call that takes longer has failed, whatever comes of it. */
const callMsMax = 30_000

export interface RecordStageOptions {
  readonly declaration: StageDeclaration
  /** Before the names of topics, groups and transactions. */
  readonly prefix: string
  readonly topic: string
  /** An earlier version of the topology may have made it, with fewer partitions than a stage has now. */
  readonly deadLetters: { readonly topic: string; readonly partitions: number }
  /** Of the streams that write to an internal topic; else empty. */
  readonly inputPartitions: readonly number[]
  readonly end: EndWriter
  readonly broker: Broker
  readonly store: CandleStore
  readonly registry: SchemaRegistry
  readonly clock: Clock
  readonly log: Log
}

/** The stage of a topology of records, as an engine runs it. */
export function createRecordStage(options: RecordStageOptions): Stage<SourceBatch, PreparedRecords> {
  const { declaration, prefix, topic } = options
  const symbols = new Interner()
  const lines = new Interner(linesMax)
  return {
    name: declaration.name,
    topic,
    groupId: `${prefix}redwick-${declaration.name}`,
    decoder: sourceDecoder(declaration.source, { symbols, lines, fetchSchema: (id) => options.registry.schema(id) }),
    pulseEveryMs,
    open: async ({ identity, onAlarm }) =>
      createOutput(options, (checkpoint) =>
        createRecordRunner({
          ...options,
          ...{ checkpoint, symbols, lines, partitions: identity.partitions },
          idleAfterMs: declaration.watermark.idleAfterMs,
          now: () => options.clock.now(),
          onAlarm: (name) => onAlarm(checkpoint.partition, name),
        }),
      ),
  }
}

function createOutput(
  options: RecordStageOptions,
  makeRunner: (checkpoint: Parameters<StageOutput<SourceBatch, PreparedRecords>['begin']>[0]) => RecordRunner,
): StageOutput<SourceBatch, PreparedRecords> {
  const { declaration, prefix, broker } = options
  const { name, end } = declaration
  const runners = new Map<number, RecordRunner>()
  /** Epoch under which each partition is ours; none while it is taken over. */
  const epochs = new Map<number, number>()
  const producers: FencedProducers = createFencedProducers(broker, `${prefix}redwick-${name}`)
  const callbacks = new Map(
    (end.kind === 'sinks' ? end.sinks : []).flatMap((sink) =>
      sink.sink === 'callback' ? [[sink.name, sink] as const] : [],
    ),
  )
  const written = new Set<string>([options.deadLetters.topic])

  /** Calls a function of the user with a record; gives up after some tries. @returns Why it did. */
  const deliver = async (sink: CallbackSink<never, Flag>, owed: Owed): Promise<string | undefined> => {
    let why = ''
    for (let tries = 0; tries < callsMax; tries++) {
      if (tries > 0) await options.clock.sleep(callAgainMs)
      try {
        const called = (async () => sink.call(owedCall(sink, owed)))()
        if (await inTime(options.clock, callMsMax, called)) return undefined
        why = `the call took longer than ${callMsMax} ms`
      } catch (error) {
        why = messageOf(error)
      }
    }
    return why
  }
  /** @returns What could not be delivered, and why. */
  const publish = async (
    partition: number,
    { owed, deadLetters }: RecordOutbox,
  ): Promise<(readonly [Owed, string])[]> => {
    const groups = owedRecords(owed, name, partition)
    for (const { topic } of groups) written.add(topic)
    const { topic, partitions } = options.deadLetters
    const records = deadLetters.map((letter) => ({
      ...deadLetterRecord(letter),
      partition: letter.partition % partitions,
    }))
    // A part that was published before a crash is known by its ids.
    await producers.sender(partition)([...groups, { topic, records }])
    const undelivered: (readonly [Owed, string])[] = []
    for (const one of owed) {
      const sink = one.to === 'callback' ? callbacks.get(one.name) : undefined
      const why = sink === undefined ? undefined : await deliver(sink, one)
      if (why !== undefined) undelivered.push([one, why])
    }
    return undelivered
  }
  const sync = async (): Promise<void> => {
    for (const topic of written) await broker.sync(topic)
  }

  let isAsking = false
  /** A partition that is silent may only be slow: it is idle where its topic has nothing more. */
  const findIdle = async (): Promise<void> => {
    isAsking = true
    try {
      const ends = await broker.admin.offsets(options.topic)
      // Asked after the ends: what came meanwhile may be more than they say.
      for (const runner of [...runners.values()].filter((one) => one.seemsIdle(options.clock.now())))
        if (runner.nextOffset >= (ends.get(runner.partition)?.latest ?? Number.POSITIVE_INFINITY)) runner.setIdle()
    } finally {
      isAsking = false
    }
  }

  return {
    async fence(partition) {
      epochs.delete(partition)
      await producers.takeOver(partition)
    },
    async begin(checkpoint) {
      epochs.set(checkpoint.partition, checkpoint.epoch)
      const undelivered: (readonly [Owed, string])[] = []
      for (const { payload } of checkpoint.outbox)
        undelivered.push(...(await publish(checkpoint.partition, unpackRecordOutbox(payload))))
      if (checkpoint.outbox.length > 0) await sync()
      return () => {
        const runner = makeRunner(checkpoint)
        for (const [owed, why] of undelivered) runner.undeliverable(owed, why)
        runners.set(checkpoint.partition, runner)
        return runner
      }
    },
    async publish({ commit: { partition, epoch }, outbox }) {
      // Taken over again while the commit was under way: whoever does finds it in the store, and publishes it in turn.
      if (epochs.get(partition) !== epoch) return
      const undelivered = await publish(partition, outbox)
      const runner = runners.get(partition)
      if (runner?.epoch === epoch) for (const [owed, why] of undelivered) runner.undeliverable(owed, why)
    },
    sync,
    pulse(onFailure) {
      const now = options.clock.now()
      for (const [partition, runner] of runners) {
        try {
          runner.pulse(now)
        } catch (error) {
          onFailure(partition, error)
        }
      }
      if (!isAsking && [...runners.values()].some((runner) => runner.seemsIdle(now)))
        findIdle().catch((error: unknown) => {
          options.log('debug', 'the ends of a topic were not told', { topic: options.topic, why: messageOf(error) })
        })
    },
    drop: (partition) => void runners.delete(partition),
    release: (partition) => producers.forget(partition),
    close: () => producers.close(),
  }
}
