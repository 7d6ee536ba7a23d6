/** A stretch of event time, `[start, end)` in epoch ms. */
export interface Window {
  readonly start: number
  readonly end: number
}

/** Names the windows that contain an instant, ascending. */
export type WindowAssigner = (time: number) => readonly Window[]
