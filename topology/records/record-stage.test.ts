import { expect, it } from 'vitest'
import { createEmbeddedBroker } from '../../broker/embedded/embedded-broker.ts'
import type { Admin, Broker, OffsetRange } from '../../ports/broker.ts'
import type { PartitionCheckpoint } from '../../ports/candle-store.ts'
import type { Clock } from '../../ports/clock.ts'
import { jsonCodec } from '../../processors/core/codec.ts'
import { type Envelope, unpackEnvelope } from '../../processors/core/envelope.ts'
import { filter } from '../../processors/operators/filter.ts'
import { keyBy } from '../../processors/operators/key-by.ts'
import { createEmbeddedRegistry } from '../../registry/embedded-registry.ts'
import type { RecordBatch } from '../../schemas/record-batch.ts'
import { createMemoryStore } from '../../test/memory-store.ts'
import { topic } from '../sources.ts'
import { systemClock } from '../system-clock.ts'
import { topology } from '../topology.ts'
import type { InternalEnd, StageDeclaration } from './declaration.ts'
import type { RecordOutbox } from './owed.ts'
import { createRecordStage } from './record-stage.ts'
import { toCallback } from './sinks.ts'
import { createInternalEnd, createSinksEnd, type EndWriter } from './stage-end.ts'

const clickAvro = {
  type: 'record',
  name: 'Click',
  fields: [
    { name: 'user', type: 'string' },
    { name: 'at', type: 'long' },
  ],
} as const
interface Click {
  readonly user: string
  readonly at: number
}
const clicks = topology('clicks', {
  source: topic('clicks', { schema: clickAvro, key: 'user', eventTime: 'at' }),
  watermark: { outOfOrderness: 0, idleAfter: 1000, futureBound: '60s' },
})

/** A clock that stands until it is told; sleeps are over at once. */
function standingClock(): Clock & { time: number } {
  return {
    time: 0,
    now() {
      return this.time
    },
    monotonic() {
      return this.time
    },
    sleep: async () => undefined,
    every: () => () => undefined,
  }
}

const checkpoint: PartitionCheckpoint = {
  ...{ partition: 0, epoch: 1, nextOffset: 0, commitNo: 0, lastSeq: 0, states: [], outbox: [] },
  quarantines: [],
}
const batch = (baseOffset: number, ...values: readonly Click[]): RecordBatch<Click> => ({
  ...{ partition: 0, baseOffset, nextOffset: baseOffset + values.length, refused: [], controls: 0 },
  records: values.map((value, i) => ({ offset: baseOffset + i, appendTime: value.at, value })),
})

async function stageOf(declaration: StageDeclaration, end: EndWriter, admin: Partial<Admin> = {}) {
  const clock = standingClock()
  const broker = createEmbeddedBroker({ clock: systemClock })
  await broker.admin.createTopic({ topic: 'clicks', partitions: 1, config: {} })
  const told: Broker = { ...broker, admin: { ...broker.admin, ...admin } }
  const stage = createRecordStage({
    ...{ declaration, prefix: '', topic: 'clicks', deadLetters: { topic: 'dead', partitions: 1 }, inputPartitions: [] },
    ...{ end, broker: told, store: createMemoryStore(() => 'ok'), registry: await createEmbeddedRegistry() },
    ...{ clock, log: () => undefined },
  })
  const identity = { topic: 'clicks', topicId: null, partitions: 1 }
  const output = await stage.open({ identity, onAlarm: () => undefined, onFailure: () => undefined })
  return { clock, output, close: () => broker.close() }
}

/** The stage before a keyBy, and what a commit of it owes, as envelopes by partition. */
function rekeying(partitions: number, admin: Partial<Admin> = {}) {
  const [declaration] = clicks
    .pipe(
      filter(({ user }) => user !== 'nobody'),
      keyBy('by-user', { key: ({ user }) => user }),
    )
    .to().stages
  if (declaration?.end.kind !== 'internal') throw new Error('the first stage ends in an internal topic')
  const end: InternalEnd = declaration.end
  return stageOf(declaration, createInternalEnd(end, 'internal', partitions), admin)
}
const told = ({ owed }: RecordOutbox) =>
  owed.map(({ partition, value }) => `${partition} ${(unpackEnvelope(value) as Envelope).kind}`)

it('a partition that read on while the ends of its topic were asked for is not idle', async () => {
  let answer: (ends: ReadonlyMap<number, OffsetRange>) => void = () => undefined
  const { clock, output, close } = await rekeying(1, {
    offsets: () => new Promise((resolve) => (answer = resolve)),
  })
  const runner = (await output.begin(checkpoint, []))()
  clock.time = 5000
  output.pulse(() => undefined)
  runner.process(batch(0, { user: 'a', at: 5000 }, { user: 'a', at: 5001 }))
  answer(new Map([[0, { earliest: 0, latest: 1 }]]))
  await new Promise((resolve) => setImmediate(resolve))
  expect(told(runner.prepare(0).outbox)).toEqual(['0 record', '0 record', '0 watermark'])
  await close()
})

it('a new owner of a partition that was idle tells all when it is not any more', async () => {
  const { output, clock, close } = await rekeying(2)
  const first = (await output.begin(checkpoint, []))()
  first.process(batch(0, { user: 'a', at: 5000 }))
  const { commit } = first.prepare(0)
  clock.time = 5000
  output.pulse(() => undefined)
  await new Promise((resolve) => setTimeout(resolve, 20))
  const second = (
    await output.begin(
      {
        ...checkpoint,
        epoch: 2,
        nextOffset: 1,
        commitNo: 1,
        lastSeq: commit.lastSeq,
        states: [commit.state],
      },
      [],
    )
  )()
  expect(second.hasNews).toBe(false)
  second.process(batch(1, { user: 'nobody', at: 4000 }))
  expect(told(second.prepare(1).outbox)).toEqual(['0 watermark', '1 watermark'])
  await close()
})

it('what is owed counts by its bytes', async () => {
  const { output, close } = await rekeying(1)
  const runner = (await output.begin(checkpoint, []))()
  runner.process(batch(0, { user: 'a'.repeat(1000), at: 1 }))
  expect(runner.pending).toBe(1)
  for (let i = 1; i <= 100; i++) runner.process(batch(i, { user: 'a'.repeat(1000), at: 1 }))
  expect(runner.pending).toBeGreaterThan(140)
  await close()
})

it('a callback that never returns has failed after a while', async () => {
  const sink = toCallback<Click, 'event'>('stuck', () => new Promise(() => undefined), jsonCodec<Click>())
  const declared = clicks.to(sink)
  const [declaration] = declared.stages
  if (declaration === undefined) throw new Error('there is a stage')
  const { output, close } = await stageOf(declaration, createSinksEnd([sink as never], new Map()))
  const runner = (await output.begin(checkpoint, []))()
  runner.process(batch(0, { user: 'a', at: 1 }))
  await output.publish(runner.prepare(0))
  expect(runner.prepare(1).deadLetters).toMatchObject([{ detail: 'stuck: the call took longer than 30000 ms' }])
  await close()
})
