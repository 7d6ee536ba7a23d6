import { pushed } from '../schemas/batch-decoder.ts'
import type { ColumnBatch, TickDecoder } from '../schemas/columns.ts'
import { type ControlRecord, controlAvro } from '../schemas/control.ts'
import { createControlEncoder } from '../schemas/control-codec.ts'
import { invariant } from '../schemas/errors.ts'
import { type Tick, tickAvro } from '../schemas/tick.ts'
import { createTickEncoder } from '../schemas/tick-encoder.ts'

const schemaIds = { tick: 1, control: 2 } as const
/** What one fetch of a partition brings. */
const segmentBytes = 1_048_576

/** Values side by side, as they lie in a fetched segment. */
interface Segment {
  readonly bytes: Uint8Array
  /** Where value `i` starts; one more entry says where the last one ends. */
  readonly starts: Int32Array
  /** Ascending places of control records. */
  readonly controls: readonly { readonly place: number; readonly kind: string }[]
}

/** One partition's records, encoded, in memory. */
export interface EncodedLog {
  readonly segments: readonly Segment[]
  readonly ticks: number
  readonly bytes: number
  /** Append time of every record: the newest event time. */
  readonly appendTime: number
}

export interface EncodedLogWriter {
  tick(tick: Tick): void
  control(record: ControlRecord): void
  finish(): EncodedLog
}

export function createEncodedLog(): EncodedLogWriter {
  const encodeTick = createTickEncoder(schemaIds.tick)
  const encodeControl = createControlEncoder(schemaIds.control)
  const segments: Segment[] = []
  let values: Uint8Array[] = []
  let controls: { place: number; kind: string }[] = []
  let size = 0
  let ticks = 0
  let bytes = 0
  let appendTime = 0

  const seal = (): void => {
    if (values.length === 0) return
    const starts = new Int32Array(values.length + 1)
    for (const [i, value] of values.entries()) starts[i + 1] = (starts[i] as number) + value.length
    segments.push({ bytes: new Uint8Array(Buffer.concat(values)), starts, controls })
    bytes += size
    values = []
    controls = []
    size = 0
  }
  const add = (value: Uint8Array): void => {
    values.push(value)
    size += value.length
    if (size >= segmentBytes) seal()
  }

  return {
    tick(tick) {
      ticks += 1
      if (tick.eventTime > appendTime) appendTime = tick.eventTime
      add(encodeTick(tick))
    },
    control(record) {
      controls.push({ place: values.length, kind: record.kind })
      add(encodeControl(record))
    },
    finish() {
      seal()
      return { segments, ticks, bytes, appendTime }
    },
  }
}

/** What a registry would say of the schemas in an encoded log. */
export async function fetchLogSchema(id: number): Promise<object | undefined> {
  if (id === schemaIds.tick) return tickAvro
  return id === schemaIds.control ? controlAvro : undefined
}

/** Tells a decoder the schemas of an encoded log, so that pushing needs no waiting. */
export async function primeDecoder(decoder: TickDecoder): Promise<void> {
  for (const id of Object.values(schemaIds)) await decoder.resolveSchema(id)
}

/** Pushes a whole log through a decoder, batch by batch, as a broker adapter does: runs of ticks, the rest one by one. */
export function pushLog(log: EncodedLog, decoder: TickDecoder, take: (batch: ColumnBatch) => void): void {
  const { appendTime } = log
  let offset = 0
  let base = 0
  const flush = (): void => {
    take(decoder.take(0, base, offset))
    base = offset
  }
  for (const { bytes, starts, controls } of log.segments) {
    const ends = starts.subarray(1)
    const count = ends.length
    let next = 0
    for (let i = 0; i < count; ) {
      const control = controls[next]
      const runEnd = control?.place ?? count
      const taken = i < runEnd ? decoder.pushRun(bytes, starts, ends, i, runEnd, offset, appendTime) : i
      offset += taken - i
      i = taken
      if (i === count) break
      const kind = i === control?.place ? control.kind : undefined
      const from = starts[i] as number
      const to = ends[i] as number
      let result = decoder.push(bytes, from, to, offset, appendTime, kind)
      if (result === pushed.full) {
        flush()
        result = decoder.push(bytes, from, to, offset, appendTime, kind)
      }
      invariant(result === pushed.taken, 'a record of an encoded log finds its schema and room')
      if (kind !== undefined) next += 1
      offset += 1
      i += 1
    }
  }
  if (decoder.pending > 0) flush()
}
