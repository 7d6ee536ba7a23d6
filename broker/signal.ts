/** Wakes whoever waits; a call between two waits is not lost. */
export interface Signal {
  notify(): void
  /** Resolves at the next `notify`, at once where one came since the last wait. */
  wait(): Promise<void>
}

export function createSignal(): Signal {
  let notified = false
  let wake: (() => void) | undefined
  return {
    notify() {
      notified = true
      wake?.()
    },
    async wait() {
      if (!notified)
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      notified = false
      wake = undefined
    },
  }
}
