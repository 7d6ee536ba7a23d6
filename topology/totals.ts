import type { Log } from '../ports/logger.ts'
import type { Conservation } from '../processors/core/effects.ts'

/** Tells what became of the records that were committed: those of one stage, where a topology has several. */
export function tellTotals(log: Log, { used, late, duplicate, rejected, held }: Conservation, stage?: string): void {
  const all = used + late + duplicate + rejected
  const at = stage === undefined ? {} : { stage }
  if (late > 0) log('warn', `${late} of ${all} records late: time was past them already, so they change nothing`, at)
  log('info', 'records', { ...at, used, late, duplicate, rejected, ...(held > 0 ? { held } : {}) })
}
