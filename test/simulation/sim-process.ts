import type { Clock } from '../../ports/clock.ts'
import type { VirtualTime } from './virtual-time.ts'

/** A process that can be killed, and stopped for a while, at any moment. */
export interface SimProcess {
  readonly name: string
  readonly isDead: boolean
  /** Its own clock, which may be wrong. */
  readonly clock: Clock
  /**
   * A call to the world outside. The process may die on either side of it; while it stands still it does not see the
   * answer. What was asked of the world happens all the same.
   */
  call<T>(label: string, operation: () => Promise<T>): Promise<T>
  /** Runs a task when the process runs: now, later or never. */
  whenRunning(task: () => void): void
  kill(): void
  /** SIGSTOP. */
  stop(): void
  /** SIGCONT. */
  go(): void
}

export interface SimProcessOptions {
  readonly name: string
  readonly time: VirtualTime
  /** Ms by which its clock is ahead, or behind. */
  clockShift(): number
  /** Told of each side of a call: where the process may be killed. */
  onLabel(label: string): void
}

const never = <T>(): Promise<T> => new Promise(() => undefined)

export function createSimProcess({ name, time, clockShift, onLabel }: SimProcessOptions): SimProcess {
  let isDead = false
  let isStopped = false
  let waiting: (() => void)[] = []

  const whenRunning = (task: () => void): void => {
    if (isDead) return
    if (isStopped) waiting.push(task)
    else task()
  }
  const turn = (): Promise<void> => new Promise((resolve) => whenRunning(resolve))

  const clock: Clock = {
    now: () => time.now() + clockShift(),
    monotonic: () => time.now(),
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted === true) {
          resolve()
          return
        }
        const done = (): void => {
          cancel()
          signal?.removeEventListener('abort', done)
          resolve()
        }
        const cancel = time.at(time.now() + ms, () => whenRunning(done))
        signal?.addEventListener('abort', done, { once: true })
      }),
    every(ms, task) {
      let isCancelled = false
      const next = (): void => {
        time.at(time.now() + ms, () =>
          whenRunning(() => {
            if (isCancelled) return
            task()
            next()
          }),
        )
      }
      next()
      return () => {
        isCancelled = true
      }
    },
  }

  return {
    name,
    get isDead() {
      return isDead
    },
    clock,
    async call(label, operation) {
      if (isDead) return never()
      onLabel(`${label}:before`)
      if (isDead || isStopped) await turn()
      try {
        return await operation()
      } finally {
        if (!isDead) onLabel(`${label}:after`)
        await turn()
      }
    },
    whenRunning,
    kill() {
      isDead = true
      waiting = []
    },
    stop() {
      isStopped = true
    },
    go() {
      isStopped = false
      for (const task of waiting.splice(0)) whenRunning(task)
    },
  }
}
