import { FatalError } from '../../schemas/errors.ts'
import { type Codec, jsonCodec } from '../core/codec.ts'
import type { StreamRecord, Windowed, WindowFlag } from '../core/stream-record.ts'
import { createGapFiller, type SayWindow } from '../core/windows/gap-filler.ts'
import { type Duration, durationMs, durationName } from './duration.ts'
import { type Emit, type RecordStep, recordStep } from './record-step.ts'

export interface FillGapsOptions<T, Fill extends 'none' | 'previous'> {
  /** Length of the tumbling windows. */
  readonly every: Duration
  /** The value of a filler: none, or that of the window before it. */
  readonly fill: Fill
  /** How long after its end a window may still come, or be corrected: at least as long as upstream. */
  readonly allowedLateness: Duration
  /** How a value is kept. Default: JSON. */
  readonly codec?: Codec<T>
}

type Filled<T, Fill extends 'none' | 'previous'> = Fill extends 'none' ? T | undefined : T

/**
 * Fills gaps between tumbling windows: from a key's first window on, one without events gets a filler, `final` when the
 * watermark passes its end, with revision 0. If the window comes after all it is a `correction`, and so are the fillers that
 * carried what was before it.
 *
 * A window of another length or place is refused (`rejected`), one after its lateness too (`late`). A key is filled for
 * good. At one watermark at most `fillersMax` fillers are made, and a gap of more between two windows of a key stays open
 * (after a jump of years, for instance): told by the alarm `gaps_left_open`.
 *
 * ```
 * given   -a--w--------x------b------   a: final [0,10) 1   w: watermark 19   x: watermark 29   b: final [10,20) 2
 * fillGaps('filled', { every: 10, fill: 'previous', allowedLateness: 20 })
 * gives   -a--(fw)-----(gx)---(BG)---   f: final [10,20) 1  g: final [20,30) 1  B, G: correction [10,20) 2, [20,30) 2
 * ```
 *
 * @param id Stable name of its state.
 * @throws {FatalError} `BAD_DURATION`, `BAD_WINDOW`.
 */
export function fillGaps<T, Fill extends 'none' | 'previous'>(
  id: string,
  options: FillGapsOptions<T, Fill>,
): RecordStep<Windowed<T>, WindowFlag, Windowed<Filled<T, Fill>>, WindowFlag>
export function fillGaps<T>(
  id: string,
  { every, fill, allowedLateness, codec = jsonCodec<T>() }: FillGapsOptions<T, 'none' | 'previous'>,
): RecordStep<Windowed<T>, WindowFlag, Windowed<T | undefined>, WindowFlag> {
  const everyMs = durationMs(every)
  const allowedLatenessMs = durationMs(allowedLateness)
  if (everyMs === 0)
    throw new FatalError({ code: 'BAD_WINDOW', message: 'the size of a window is > 0, was 0', exitCode: 78 })
  const options = { every: durationName(everyMs), fill, allowedLatenessMs }
  return recordStep({ operator: 'fillGaps', id, options }, ({ effects, restored }) => {
    const onOpen = (): void => effects.alarm('gaps_left_open')
    const filler = createGapFiller<T>({ everyMs, allowedLatenessMs, carries: fill === 'previous', codec, onOpen })
    let lastOffset = -1
    for (const reader of restored(id)) {
      lastOffset = reader.f64()
      filler.read(reader)
    }
    const sayTo =
      (emit: Emit<Windowed<T | undefined>, WindowFlag>, offset: number): SayWindow<T> =>
      (flag, key, value) =>
        emit({ flag, key, value, eventTime: value.end - 1, offset })
    return {
      record({ flag, key, value, offset }: StreamRecord<Windowed<T>, WindowFlag>, emit) {
        const isLate = filler.add(flag, key, value, sayTo(emit, offset))
        if (flag !== 'update') lastOffset = offset
        if (!isLate) return
        const detail = `the window [${value.start}, ${value.end}) and its lateness of ${durationName(allowedLatenessMs)} are over`
        effects.refuse({ offset, key, stepId: id, result: 'late', detail })
      },
      watermark: (watermark, emit) => filler.advance(watermark, sayTo(emit, lastOffset)),
      barrier(barrier) {
        const writer = barrier.state(id)
        writer.f64(lastOffset)
        filler.write(writer, barrier.full)
      },
    }
  })
}
