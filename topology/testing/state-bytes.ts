import type { OperatorFunction } from 'rxjs'
import { type ByteWriter, createByteWriter } from '../../processors/core/byte-buffer.ts'
import type { StreamElement, WatermarkPolicy } from '../../processors/core/stream-element.ts'
import { createPipelineHost } from '../pipeline-host.ts'
import { createTestContext } from './test-context.ts'

/** The pipeline of a partition, to be opened from its states. */
export interface OpenedFrom<In, Out> {
  readonly pipeline: OperatorFunction<StreamElement<In>, StreamElement<Out>>
  readonly partition: number
  readonly partitions: number
  readonly inputPartitions: readonly number[]
  readonly watermark: WatermarkPolicy
}

/** Bytes of a full image, by the id of the step. */
function imageOf<In, Out>(options: OpenedFrom<In, Out>, states: readonly Uint8Array[]): Map<string, number> {
  const { pipeline, partition, partitions, inputPartitions, watermark } = options
  const context = { ...createTestContext({ partition, partitions }).context, inputPartitions, watermark }
  const host = createPipelineHost<In, Out>({ pipeline, states, context, onElement: () => undefined })
  const writers = new Map<string, ByteWriter>()
  const state = (stepId: string): ByteWriter => {
    const writer = writers.get(stepId) ?? createByteWriter()
    writers.set(stepId, writer)
    return writer
  }
  host.push({ kind: 'barrier', barrier: { full: true, state } })
  return new Map([...writers].map(([stepId, writer]) => [stepId, writer.finish().length]))
}

/** The door: it keeps clocks, nothing of a key of a stream of records. */
const door = 'source'

/** Bytes that each step keeps beyond those of one that has seen nothing, by id; without the door. */
export function keptBytes<In, Out>(
  options: OpenedFrom<In, Out>,
  states: readonly Uint8Array[],
): ReadonlyMap<string, number> {
  const empty = imageOf(options, [])
  const kept = [...imageOf(options, states)].map(([id, bytes]) => [id, bytes - (empty.get(id) ?? 0)] as const)
  return new Map(kept.filter(([id]) => id !== door))
}
