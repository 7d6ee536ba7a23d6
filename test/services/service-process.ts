import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { appendFileSync, closeSync, openSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

const stopMsMax = 5_000
const probeEveryMs = 50

export const run = promisify(execFile)

/** A process of a test, ended by its own pid only. */
interface ServiceProcess {
  readonly pid: number
  /** SIGTERM, then SIGKILL after 5 s; resolves when it is gone. */
  stop(): Promise<void>
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>
  running(): boolean
}

interface SpawnOptions {
  readonly command: string
  readonly args: readonly string[]
  /** Takes what the process prints. */
  readonly logFile: string
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** Signal that asks for an orderly end; default SIGTERM. */
  readonly stopSignal?: NodeJS.Signals
}

/** Ends what is left when our process ends without a teardown. */
const orphanGuard = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of orphanGuard) if (isRunning(child)) child.kill('SIGKILL')
})

function isRunning(child: ChildProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null
}

/** Starts a program in a process group of its own, without pipes to us. */
export function spawnService(options: SpawnOptions): ServiceProcess {
  const log = openSync(options.logFile, 'a')
  const child = spawn(options.command, [...options.args], {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', log, log],
    detached: true,
  })
  closeSync(log)
  child.once('error', (error) => appendFileSync(options.logFile, error.message))
  child.unref()
  orphanGuard.add(child)
  const end = (signal: NodeJS.Signals) => ended(child, signal)
  return {
    pid: child.pid ?? 0,
    stop: () => end(options.stopSignal ?? 'SIGTERM'),
    kill: () => end('SIGKILL'),
    running: () => isRunning(child),
  }
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (!isRunning(child)) return
  child.ref() // the loop stays alive until it is gone
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.kill(signal)
  const inTime = await Promise.race([gone.then(() => true), sleep(stopMsMax, false, { ref: false })])
  if (inTime) return
  child.kill('SIGKILL')
  await gone
}

/**
 * Starts a service in a folder: the one given, which stays, or a temporary one that `clean` removes, and a failed start too.
 */
export async function inServiceDir<Service>(
  name: string,
  dir: string | undefined,
  start: (dir: string, clean: () => Promise<void>) => Promise<Service>,
): Promise<Service> {
  if (dir !== undefined) await mkdir(dir, { recursive: true })
  const used = dir ?? (await mkdtemp(join(tmpdir(), `redwick-${name}-`)))
  const clean = async () => {
    if (dir === undefined) await rm(used, { recursive: true, force: true })
  }
  return start(used, clean).catch(async (error: unknown) => {
    await clean()
    throw error
  })
}

/**
 * Resolves when `probe` holds.
 *
 * @throws {Error} With the end of the log, when the process dies or `timeoutMs` pass.
 */
export async function untilReady(
  process: ServiceProcess,
  logFile: string,
  probe: () => Promise<boolean>,
  timeoutMs = 60_000,
): Promise<void> {
  const deadline = performance.now() + timeoutMs
  while (performance.now() < deadline) {
    if (await probe()) return
    if (!process.running()) throw new Error(`it ended: ${logTail(logFile)}`)
    await sleep(probeEveryMs)
  }
  await process.kill()
  throw new Error(`not ready in ${timeoutMs} ms: ${logTail(logFile)}`)
}

/** Whether something accepts connections on this loopback port. */
export function portAnswers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' })
    const done = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', () => done(true))
    socket.once('error', () => done(false))
  })
}

function logTail(logFile: string): string {
  return readFileSync(logFile, 'utf8').slice(-800).trim()
}
