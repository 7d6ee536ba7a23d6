import { expect, it } from 'vitest'
import type { LogEntry } from '../../test/column-log.ts'
import { heartbeat, tick } from '../../test/log-entries.ts'
import { createTestPipeline, type PipelineOptions } from '../../test/pipeline.ts'

/** Feeds entries one by one. @returns Whether the windows of symbols were looked at for each: it asks who is held. */
function looks(entries: readonly LogEntry[], options: PipelineOptions = {}): boolean[] {
  let asked = 0
  const pipeline = createTestPipeline({
    ...options,
    isHeld() {
      asked += 1
      return false
    },
  })
  return entries.map((entry) => {
    const before = asked
    pipeline.feed([entry])
    return asked > before
  })
}

// Out-of-orderness 500 ms: a watermark stands 501 ms behind the newest tick. Lateness 90 s: windows fire at the last
// instant of a minute, and expire half a minute off.
const lateness = { candles: { allowedLateness: '90s' } } as const

it('a watermark looks at windows where it reaches the end of one, or of its lateness, and nowhere else', () => {
  const at = [0, 499, 500, 30_499, 30_500, 60_499, 60_500, 60_501, 90_499, 90_500, 120_499, 120_500]
  const told = looks(
    at.map((time) => tick(time)),
    lateness,
  )
  expect(told).toEqual([true, false, true, false, true, false, true, false, false, true, false, true])
  const before1970 = [-90_000, -89_501, -89_500, -60_000, -59_501, -59_500]
  expect(
    looks(
      before1970.map((time) => tick(time)),
      lateness,
    ),
  ).toEqual([true, false, true, false, false, true])
})

it('a heartbeat looks at windows where covered time reaches the idleness of one, and nowhere else', () => {
  const to = [10_000, 65_499, 65_500, 65_501, 125_499, 125_500]
  const beats = to.map((time, i) => heartbeat(to[i - 1] ?? 0, time))
  expect(looks([tick(0), ...beats])).toEqual([true, true, false, true, false, false, true])
})

it('after a restore the first heartbeat knows up to where was looked', () => {
  const pipeline = createTestPipeline()
  pipeline.feed([tick(0), heartbeat(0, 10_000)])
  const states = [pipeline.barrier(true).state]
  expect(looks([heartbeat(10_000, 65_499), heartbeat(65_499, 65_500)], { states })).toEqual([false, true])
})
