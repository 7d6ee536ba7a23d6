import { setTimeout as sleep } from 'node:timers/promises'
import { type Environment, type RunningCli, startCli } from '../cli.ts'
import type { MemberName } from './script.ts'

/** Longest life of one process. */
const lifeMsMax = 1_800_000
const startAgainMs = 100
/** What a process that is told to stop promises. */
const stopMsMax = 10_000
/** Started while something that it needs is down. */
const dependencyExit = 69

export interface Ended {
  readonly member: MemberName
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stderr: string
}

/** A process that is started again when it is gone, as a supervisor would. */
export interface Member {
  readonly name: MemberName
  /** Ends that nobody asked for, but for those of a start that found a dependency down. */
  readonly crashes: readonly Ended[]
  /** Ends that SIGTERM asked for, and nothing else interfered with, but that took too long or told of a failure; none of a start. */
  readonly badStops: readonly string[]
  /** All that its processes said. */
  said(): string
  pid(): number | undefined
  /** @returns Whether there is a process. */
  signal(signal: NodeJS.Signals): boolean
  /** SIGTERM; from then on another checkout is run. @returns Whether there is a process. */
  upgrade(to: string): boolean
  /** SIGTERM, and no more starts. @returns How it ended. */
  stop(): Promise<Ended>
}

/** What is left when we end without having stopped it. */
const running = new Set<RunningCli>()
process.once('exit', () => {
  for (const one of running) one.process.kill('SIGKILL')
})

/** @param from The checkout that is run; ours if left out. */
export function startMember(
  name: MemberName,
  args: readonly string[],
  environment: Environment,
  from?: string,
): Member {
  const crashes: Ended[] = []
  const badStops: string[] = []
  /** When the process of now was told to stop; undefined where something else interfered. */
  let toldToStopAt: number | undefined
  const asked = new Set<RunningCli>()
  let checkout = from
  let current: RunningCli | undefined
  let before = ''
  let [isStopping, isStopped] = [false, false]
  let last: Ended = { member: name, code: 0, signal: null, stderr: '' }

  const live = async (): Promise<void> => {
    while (!isStopping) {
      const started = startCli(args, environment, lifeMsMax, checkout)
      current = started
      running.add(started)
      const { code, signal: endedBy, stderr } = await started.ended
      running.delete(started)
      last = { member: name, code, signal: endedBy, stderr }
      before += `${stderr}-- ${name} ended with ${code ?? endedBy}\n`
      current = undefined
      const isStart =
        (code === dependencyExit && !stderr.includes('partitions assigned') && !stderr.includes('ready at')) ||
        (endedBy === 'SIGTERM' && stderr === '') // Node itself was still starting
      if (!asked.has(started) && !isStart) crashes.push(last)
      const tookMs = performance.now() - (toldToStopAt ?? Number.POSITIVE_INFINITY)
      if (toldToStopAt !== undefined && !isStart && (code !== 0 || tookMs > stopMsMax))
        badStops.push(`${name} took ${Math.round(tookMs)} ms to stop, and ended with ${code ?? endedBy}`)
      toldToStopAt = undefined
      isStopped = false
      await sleep(startAgainMs)
    }
  }
  const lives = live()

  const signal = (what: NodeJS.Signals): boolean => {
    if (current === undefined) return false
    if (what === 'SIGKILL' || what === 'SIGTERM') asked.add(current)
    // A second one is a demand to end at once.
    const isPlain = what === 'SIGTERM' && !isStopped && toldToStopAt === undefined
    toldToStopAt = isPlain ? performance.now() : undefined
    if (what === 'SIGSTOP') isStopped = true
    if (what === 'SIGCONT') isStopped = false
    return current.process.kill(what)
  }

  return {
    name,
    crashes,
    badStops,
    signal,
    upgrade(to) {
      checkout = to
      return signal('SIGTERM')
    },
    said: () => before + (current?.stderr() ?? ''),
    pid: () => current?.process.pid,
    async stop() {
      isStopping = true
      signal('SIGCONT')
      signal('SIGTERM')
      await lives
      return last
    },
  }
}
