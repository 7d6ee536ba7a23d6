/** Replayed time between heartbeats. */
const heartbeatStepMs = 1_000

interface Coverage {
  readonly from: number
  readonly to: number
}

interface ReplayHeartbeats {
  /** Takes an event time. @returns What became covered with it, or undefined; an empty stretch is one piece. */
  advance(eventTime: number): Coverage | undefined
  /** The end of the input: what is left up to the highest event time. */
  finish(): Coverage | undefined
}

/**
 * Coverage of a file, from its event times alone. With events at most `outOfOrdernessMs` behind the highest so far,
 * none at or before `highest - outOfOrdernessMs - 1` is still to come: that, rounded down to the step, is `to`.
 */
export function createReplayHeartbeats(outOfOrdernessMs: number, stepMs: number = heartbeatStepMs): ReplayHeartbeats {
  let highest = Number.NEGATIVE_INFINITY
  let covered = Number.NEGATIVE_INFINITY

  function cover(to: number): Coverage | undefined {
    if (to <= covered) return undefined
    const piece = { from: covered, to }
    covered = to
    return piece
  }

  return {
    advance(eventTime) {
      if (eventTime <= highest) return undefined
      if (covered === Number.NEGATIVE_INFINITY) covered = Math.floor(eventTime / stepMs) * stepMs
      highest = eventTime
      return cover(Math.floor((highest - outOfOrdernessMs - 1) / stepMs) * stepMs)
    },
    finish: () => cover(highest),
  }
}
