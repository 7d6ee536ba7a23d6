import type { StoredRecord } from '../ports/broker.ts'
import type { SchemaRegistry } from '../ports/schema-registry.ts'
import { type Emission, emissionAvro, epochAvro } from '../schemas/candle.ts'
import { type ControlRecord, controlAvro, controlHeader } from '../schemas/control.ts'
import { createControlDecoder, createControlEncoder } from '../schemas/control-codec.ts'
import {
  createEmissionDecoder,
  createEmissionEncoder,
  createEpochDecoder,
  createEpochEncoder,
} from '../schemas/emission-codec.ts'
import type { FramedDecoder } from '../schemas/framed-decoder.ts'
import { type HistorySegment, historyAvro } from '../schemas/history.ts'
import { createHistoryDecoder, createHistoryEncoder } from '../schemas/history-codec.ts'
import { type Tick, tickAvro } from '../schemas/tick.ts'
import { createTickEncoder } from '../schemas/tick-encoder.ts'
import type { TopicNames } from '../schemas/topics.ts'

/** Everything that turns values into bytes and back, under the registry's ids. */
export interface Codecs {
  encodeTick(tick: Tick): Uint8Array
  encodeControl(record: ControlRecord): Uint8Array
  encodeEmission(emission: Emission): Uint8Array
  encodeEpoch(e: number): Uint8Array
  encodeHistory(segment: HistorySegment): Uint8Array
  readonly historyDecoder: FramedDecoder<HistorySegment>
  readonly controlDecoder: FramedDecoder<ControlRecord>
  /** A record of `candles.live`; undefined for one that is none of ours. */
  decodeLive(record: StoredRecord): Emission | { readonly epoch: number } | undefined
}

/**
 * Registers our schemas, and learns the ids.
 *
 * @throws {TransientError} `REGISTRY_UNREACHABLE`.
 */
export async function createCodecs(registry: SchemaRegistry, topics: TopicNames): Promise<Codecs> {
  const [tickId, controlId, emissionId, historyId, epochId] = await Promise.all([
    registry.register(`${topics.ticks}-value`, tickAvro),
    registry.register(`${topics.ticks}-control`, controlAvro),
    registry.register(`${topics.candlesLive}-value`, emissionAvro),
    registry.register(`${topics.history}-value`, historyAvro),
    registry.register(`${topics.candlesLive}-epoch`, epochAvro),
  ])
  const fetchSchema = (id: number): Promise<object | undefined> => registry.schema(id)
  const controls = createControlDecoder(fetchSchema)
  const emissions = createEmissionDecoder(fetchSchema)
  const histories = createHistoryDecoder(fetchSchema)
  const epochs = createEpochDecoder(fetchSchema)
  await Promise.all([
    controls.resolveSchema(controlId),
    emissions.resolveSchema(emissionId),
    epochs.resolveSchema(epochId),
    histories.resolveSchema(historyId),
  ])
  const encodeEpoch = createEpochEncoder(epochId)
  return {
    encodeTick: createTickEncoder(tickId),
    encodeControl: createControlEncoder(controlId),
    encodeEmission: createEmissionEncoder(emissionId),
    encodeEpoch: (e) => encodeEpoch({ e }),
    encodeHistory: createHistoryEncoder(historyId),
    historyDecoder: histories,
    controlDecoder: controls,
    decodeLive({ value, headers }) {
      if (headers[controlHeader] === 'epoch') {
        const decoded = epochs.decode(value)
        return decoded.status === 'value' ? { epoch: decoded.value.e } : undefined
      }
      const decoded = emissions.decode(value)
      return decoded.status === 'value' ? decoded.value : undefined
    },
  }
}
