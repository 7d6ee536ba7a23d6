import { type HeldTicks, type PlacedControl, type TickColumns, verdict } from '../../schemas/columns.ts'

/**
 * Takes the rows with the verdict `held` out of the columns, in place: no step sees them. What their lines learn of time
 * stays, as controls at their place; neighbours of one line become one.
 *
 * @returns The controls with those that stand for held rows, each at its new place.
 */
export function takeHeldOut(
  columns: TickColumns,
  controls: readonly PlacedControl[],
  lineName: (line: number) => string,
): readonly PlacedControl[] {
  const out: PlacedControl[] = []
  let next = 0
  let kept = 0
  /** Of the last control in `out`, where it stands for held rows. */
  let lastLine = -1
  const takeControls = (until: number): void => {
    for (let placed = controls[next]; placed !== undefined && placed.row <= until; placed = controls[++next]) {
      out.push({ ...placed, row: kept })
      lastLine = -1
    }
  }
  for (let i = 0; i < columns.length; i++) {
    takeControls(i)
    if (columns.verdict[i] !== verdict.held) {
      copyRow(columns, i, columns, kept++)
      lastLine = -1
      continue
    }
    const line = columns.line[i] as number
    const eventTime = columns.eventTime[i] as number
    const last = out.at(-1)
    if (line === lastLine && last?.record.kind === 'held') {
      if (eventTime > last.record.eventTime) out[out.length - 1] = { ...last, record: { ...last.record, eventTime } }
      continue
    }
    const record: HeldTicks = { kind: 'held', line: lineName(line), eventTime }
    out.push({ row: kept, offset: columns.offset[i] as number, appendTime: columns.appendTime[i] as number, record })
    lastLine = line
  }
  takeControls(columns.length)
  columns.length = kept
  return out
}

/** Copies a row with everything that is known of it. */
export function copyRow(from: TickColumns, f: number, to: TickColumns, t: number): void {
  to.offset[t] = from.offset[f] as number
  to.appendTime[t] = from.appendTime[f] as number
  to.symbol[t] = from.symbol[f] as number
  to.line[t] = from.line[f] as number
  to.eventTime[t] = from.eventTime[f] as number
  to.price[t] = from.price[f] as number
  to.size[t] = from.size[f] as number
  to.side[t] = from.side[f] as number
  to.idOrder[t] = from.idOrder[f] as number
  to.tradeId[t] = from.tradeId[f] as number
  to.sequence[t] = from.sequence[f] as number
  to.local[t] = from.local[f] as number
  to.verdict[t] = from.verdict[f] as number
}
