import type { OperatorFunction } from 'rxjs'
import type { StreamElement } from '../../processors/core/stream-element.ts'
import type { Flag, StreamRecord } from '../../processors/core/stream-record.ts'
import { admit } from '../../processors/operators/admit.ts'
import { admitRecords } from '../../processors/operators/admit-records.ts'
import { admitRekeyed } from '../../processors/operators/admit-rekeyed.ts'
import type { SourceBatch } from '../../schemas/batch-decoder.ts'
import type { StageDeclaration, StageSource } from './declaration.ts'

type AnyOperator = OperatorFunction<never, unknown>

const field = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null && name in value ? (value as Record<string, unknown>)[name] : undefined

/** What lets the records of a source in. */
function doorOf(source: StageSource): AnyOperator {
  switch (source.kind) {
    case 'ticks':
      return admit()
    case 'records':
      return admitRecords<unknown>({
        key: (value) => field(value, source.key),
        eventTime: (value) => field(value, source.eventTime),
      })
    case 'internal':
      return admitRekeyed<unknown, Flag>((input, payload) => source.unpack(input, payload))
  }
}

/** The pipeline of one partition of a stage. Its steps fit each other: the types of the DSL saw to it. */
export function composeStage({
  source,
  operators,
}: StageDeclaration): OperatorFunction<StreamElement<SourceBatch>, StreamElement<StreamRecord<unknown, Flag>>> {
  return (input) =>
    [doorOf(source), ...operators].reduce<never>((stream, operator) => operator(stream) as never, input as never)
}
