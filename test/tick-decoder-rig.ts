import { type ControlRecord, controlAvro } from '../schemas/control.ts'
import { createControlEncoder } from '../schemas/control-codec.ts'
import { Interner } from '../schemas/interner.ts'
import { tickAvro } from '../schemas/tick.ts'
import { createTickColumnDecoder } from '../schemas/tick-column-decoder.ts'
import { createTickEncoder } from '../schemas/tick-encoder.ts'
import { tickRows } from './tick-rows.ts'

export const tickId = 7
const controlId = 8
export const foreignId = 9
const schemasById = new Map<number, object>([
  [tickId, tickAvro],
  [controlId, controlAvro],
  [foreignId, { type: 'record', name: 'Order', namespace: 'redwick', fields: [{ name: 'x', type: 'long' }] }],
])

/** A decoder that knows `schemas`, and that 99 is no id. */
export async function decoderRig(
  options: { rowsMax?: number; symbolsMax?: number; compile?: boolean; schemas?: ReadonlyMap<number, object> } = {},
) {
  const symbols = new Interner(options.symbolsMax)
  const lines = new Interner()
  const known = options.schemas ?? schemasById
  const decoder = createTickColumnDecoder({
    symbols,
    lines,
    fetchSchema: async (id) => known.get(id),
    ...(options.rowsMax === undefined ? {} : { rowsMax: options.rowsMax }),
    ...(options.compile === undefined ? {} : { compile: options.compile }),
  })
  for (const id of [...known.keys(), 99]) await decoder.resolveSchema(id)
  const push = (value: Uint8Array | null, kind?: string, offset = 0) =>
    decoder.push(value, 0, value?.length ?? 0, offset, 0, kind)
  const take = () => decoder.take(0, 0, 1)
  return { symbols, lines, decoder, push, take, rows: () => tickRows(take(), symbols, lines) }
}

export const encode = createTickEncoder(tickId)
export const encodeControl = createControlEncoder(controlId)
export const heartbeat: ControlRecord = { kind: 'heartbeat', line: 'l', from: -5, to: 2 ** 45, cursor: 'file:7' }
