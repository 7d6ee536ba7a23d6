import { unpackEnvelope } from '../../processors/core/envelope.ts'
import { createRecordDecoder } from '../../schemas/avro-codec.ts'
import type { BatchDecoder, SourceBatch } from '../../schemas/batch-decoder.ts'
import type { FetchSchema } from '../../schemas/framed-decoder.ts'
import type { Interner } from '../../schemas/interner.ts'
import { createRecordBatchDecoder } from '../../schemas/record-batch-decoder.ts'
import { createTickColumnDecoder } from '../../schemas/tick-column-decoder.ts'
import type { StageSource } from './declaration.ts'

export interface SourceDecoderOptions {
  readonly symbols: Interner
  readonly lines: Interner
  /** The registry's answer. */
  readonly fetchSchema: FetchSchema
  /** Schemas that are known without asking, by id. */
  readonly schemas?: ReadonlyMap<number, object>
}

/** Reads what stands in the topic of a stage. */
export function sourceDecoder(source: StageSource, options: SourceDecoderOptions): BatchDecoder<SourceBatch> {
  switch (source.kind) {
    case 'ticks':
      return createTickColumnDecoder(options)
    case 'records':
      return createRecordBatchDecoder(createRecordDecoder(source.schema, options.fetchSchema, options.schemas))
    case 'internal':
      return createRecordBatchDecoder({
        decode(value) {
          const envelope = value === null ? 'no value' : unpackEnvelope(value)
          return typeof envelope === 'string'
            ? { status: 'bad', detail: envelope }
            : { status: 'value', value: envelope }
        },
        resolveSchema: async () => undefined,
      })
  }
}
