import { map } from 'rxjs'
import type { SourceBatch } from '../../schemas/batch-decoder.ts'
import type { ColumnBatch, TickDecoder } from '../../schemas/columns.ts'
import type { Topology } from '../../topology/candle-topology.ts'
import type { PreparedCommit, Runner, Stage } from '../../topology/stage.ts'

/** Faults of the commit protocol that are planted to see whether the simulation finds them. */
export const mutants = {
  'offset-before-data': 'offsets are committed first, then in a transaction of its own what stands under them',
  'data-before-offset': 'what stands under the offsets is committed first, then the offsets',
  'blind-retry': 'a commit whose outcome is not known is sent again, without a look at what the store holds',
  'no-fencing': 'the store takes a commit from whoever comes',
  'publish-before-commit': 'finals go to the topics before the commit that makes them',
  'lost-dedupe-state': 'a new owner begins without the ids that were seen',
  'takeover-in-one-statement': 'a takeover that waited for a commit in flight reads what was there before it',
  'same-epoch': 'what a failed commit leaves is loaded again under the same epoch',
  'unfenced-publish': 'the broker takes finals from an owner that another one has followed',
  'history-off-marker': 'a marker applies whatever history there is by then',
} as const

export type Mutant = keyof typeof mutants

export const isMutant = (name: string): name is Mutant => Object.hasOwn(mutants, name)

/** Planted: the ids that were seen are not read back. */
export function withoutDedupeState(topology: Topology): Topology {
  return {
    ...topology,
    pipeline: (source) =>
      source.pipe(
        map((element) => {
          if (element.kind !== 'open') return element
          const { context } = element
          const restored: typeof context.restored = (id) => (id === 'by-trade' ? [] : context.restored(id))
          return { ...element, context: { ...context, restored } }
        }),
        topology.pipeline,
      ),
  }
}

/** Planted: a marker stands for all that the topic holds. */
export function offMarker(decoder: TickDecoder, latest: (partition: number) => number): TickDecoder {
  return {
    ...decoder,
    get pending() {
      return decoder.pending
    },
    get wantedSchemaId() {
      return decoder.wantedSchemaId
    },
    take(partition, baseOffset, nextOffset): ColumnBatch {
      const batch = decoder.take(partition, baseOffset, nextOffset)
      const controls = batch.controls.map((placed) =>
        placed.record.kind === 'history'
          ? { ...placed, record: { ...placed.record, upTo: latest(partition) } }
          : placed,
      )
      return { ...batch, controls }
    },
  }
}

/** Planted: what a commit will owe is published while it is prepared. */
export function publishingFirst<Batch extends SourceBatch, Prepared extends PreparedCommit>(
  stage: Stage<Batch, Prepared>,
): Stage<Batch, Prepared> {
  return {
    ...stage,
    async open(host) {
      const output = await stage.open(host)
      const wrapped = (runner: Runner<Batch, Prepared>): Runner<Batch, Prepared> =>
        new Proxy(runner, {
          get(target, name, receiver: unknown) {
            if (name !== 'prepare') return Reflect.get(target, name, receiver) as unknown
            return (ackedThrough: number): Prepared => {
              const prepared = target.prepare(ackedThrough)
              output.publish(prepared).catch(() => undefined)
              return prepared
            }
          },
        })
      return {
        ...output,
        async begin(checkpoint, suspects) {
          const make = await output.begin(checkpoint, suspects)
          return () => wrapped(make())
        },
        publish: async () => undefined,
      }
    },
  }
}
