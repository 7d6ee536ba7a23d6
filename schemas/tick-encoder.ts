import { createAvroWriter } from './avro-writer.ts'
import { idOrder, side, type Tick } from './tick.ts'

/** A tick as a framed Avro value in a buffer of its own. */
export type TickEncoder = (tick: Tick) => Buffer

/**
 * Encodes ticks by `tickAvro` in its field order, without a schema library on the way.
 *
 * @param schemaId Id that the registry gave `tickAvro`.
 * @returns An encoder; it throws {@link InvariantViolation} for a long that is not a safe integer.
 */
export function createTickEncoder(schemaId: number): TickEncoder {
  const writer = createAvroWriter(schemaId)
  return (tick) => {
    writer.start()
    writer.string(tick.symbol)
    writer.long(tick.eventTime)
    writer.double(tick.price)
    writer.double(tick.size)
    writer.long(side[tick.side])
    writer.long(tick.tradeId)
    writer.long(idOrder[tick.idOrder])
    writer.long(tick.sequence)
    writer.string(tick.line)
    writer.long(tick.ingestTime)
    return writer.finish()
  }
}
