import type { ColumnBatch } from '../../schemas/columns.ts'
import { createTickGate } from '../core/tick-gate.ts'
import { type Step, step } from './step.ts'

/**
 * The door of every topology on ticks: bad rows become dead letters, the rest goes on. The runtime puts it first.
 *
 * ```
 * given   -[a ! b]--[c f]---     batches of columns    !: price -1    f: an hour ahead of its append
 * admit()
 * gives   -[a x b]--[c x]---     x: the row stays, its verdict is rejected, its dead letter is written
 * ```
 */
export function admit(id = 'source'): Step<ColumnBatch, ColumnBatch> {
  return step({ operator: 'admit', id, options: {} }, (context) => {
    const gate = createTickGate({ ...context, futureBoundMs: context.watermark.futureBoundMs })
    for (const reader of context.restored(id)) gate.read(reader)
    return {
      rows: (batch, emit) => emit(gate.process(batch)),
      barrier: (barrier) => gate.write(barrier.state(id), barrier.full),
    }
  })
}
