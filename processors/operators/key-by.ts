import { FatalError } from '../../schemas/errors.ts'
import { type Codec, jsonCodec } from '../core/codec.ts'
import { type RecordStep, recordStep } from './record-step.ts'

/** How a flow gets another key, and with it another partition. */
export interface Rekey<T> {
  /** Stable name of the internal topic. */
  readonly id: string
  readonly key: (value: T) => string
  /** Partitions of the internal topic; the source's when left out. */
  readonly partitions?: number
  /** How values are written to the internal topic. */
  readonly codec: Codec<T>
}

export interface KeyByOptions<T> {
  readonly key: (value: T) => string
  readonly partitions?: number
  /** Default: JSON. */
  readonly codec?: Codec<T>
}

/**
 * Gives each record the key that a function reads from its value. A topology is cut here: what follows has all records of
 * a key in one partition.
 *
 * A function that throws, or gives no text or an empty one, refuses its record.
 *
 * ```
 * given   -a-----b-----w--     a: k 12 {user: 'u'}   b: j 7 {user: 'u'}
 * keyBy('by-user', { key: v => v.user })
 * gives   -A-----B-----w--     A: u 12 {user: 'u'}   B: u 7 {user: 'u'}
 * ```
 *
 * @param id Stable name of the internal topic.
 * @throws {FatalError} `BAD_PARTITIONS`.
 */
export function keyBy<T>(
  id: string,
  { key, partitions, codec = jsonCodec<T>() }: KeyByOptions<T>,
): RecordStep<T, 'event', T, 'event'> & { readonly rekey: Rekey<T> } {
  if (partitions !== undefined && !(Number.isSafeInteger(partitions) && partitions > 0))
    throw new FatalError({
      code: 'BAD_PARTITIONS',
      message: `a topic has a whole number of partitions > 0, was ${partitions}`,
      exitCode: 78,
    })
  const rekey: Rekey<T> = { id, key, codec, ...(partitions === undefined ? {} : { partitions }) }
  const options = partitions === undefined ? {} : { partitions }
  const operator = recordStep<T, 'event', T, 'event'>({ operator: 'keyBy', id, options }, () => ({
    record(record, emit) {
      const found: unknown = key(record.value)
      if (typeof found !== 'string' || found === '') throw new TypeError('a key is a text that is not empty')
      emit({ ...record, key: found })
    },
  }))
  return Object.assign(operator, { rekey })
}
