/** Pulses of one move of the clock; a longer move has them further apart. */
const pulsesMax = 600

/** When pulses come while the clock moves from `from` by `durationMs`: at the cadence, and at the end. */
export function pulseTimes(from: number, durationMs: number, everyMs: number): number[] {
  const stepMs = Math.max(everyMs, Math.ceil(durationMs / pulsesMax))
  const times: number[] = []
  for (let passed = stepMs; passed < durationMs; passed += stepMs) times.push(from + passed)
  return [...times, from + durationMs]
}
