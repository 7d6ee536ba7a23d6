import { setTimeout as sleep } from 'node:timers/promises'
import { type Environment, type RunningCli, startCli } from '../cli.ts'
import type { MemberName } from './script.ts'

/** Longest life of one process. */
const lifeMsMax = 1_800_000
const startAgainMs = 100
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
  /** All that its processes said. */
  said(): string
  pid(): number | undefined
  signal(signal: NodeJS.Signals): void
  /** SIGTERM; from then on another checkout is run. */
  upgrade(to: string): void
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
  const asked = new Set<RunningCli>()
  let checkout = from
  let current: RunningCli | undefined
  let before = ''
  let isStopping = false
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
      const isStart = code === dependencyExit && !stderr.includes('partitions assigned') && !stderr.includes('ready at')
      if (!asked.has(started) && !isStart) crashes.push(last)
      await sleep(startAgainMs)
    }
  }
  const lives = live()

  const signal = (what: NodeJS.Signals): void => {
    if (current === undefined) return
    if (what === 'SIGKILL' || what === 'SIGTERM') asked.add(current)
    current.process.kill(what)
  }

  return {
    name,
    crashes,
    signal,
    upgrade(to) {
      checkout = to
      signal('SIGTERM')
    },
    said: () => before + (current?.stderr() ?? ''),
    pid: () => current?.process.pid,
    async stop() {
      isStopping = true
      current?.process.kill('SIGCONT')
      if (current !== undefined) asked.add(current)
      current?.process.kill('SIGTERM')
      await lives
      return last
    },
  }
}
