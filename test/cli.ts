import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')

export interface CliResult {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunningCli {
  readonly process: ChildProcess
  readonly stderr: () => string
  /** Resolves with the first match on standard error. */
  sees(pattern: RegExp, timeoutMs?: number): Promise<RegExpExecArray>
  readonly ended: Promise<CliResult>
}

/** Longest time of one run, unless its test says otherwise: what never ends must not keep the other tests waiting. */
const runMsMax = 120_000

export type Environment = Readonly<Record<string, string | undefined>>

/** Variables that a developer's shell may hold and a test must not see. */
const cleared = {
  REDPANDA_BROKERS: undefined,
  SCHEMA_REGISTRY_URL: undefined,
  DATABASE_URL: undefined,
  REDIS_URL: undefined,
  AUTH_TOKEN: undefined,
  HOST: undefined,
  FEED: undefined,
  NO_COLOR: '1',
  PORT: '0',
}

/**
 * Starts the command line as `npm run` does, without npm.
 *
 * @param limitMs After which it is killed, and `ended` rejects with what it said.
 * @param from The checkout that is run; ours if left out.
 */
export function startCli(
  args: readonly string[],
  environment: Environment,
  limitMs = runMsMax,
  from = root,
): RunningCli {
  const child = spawn(join(from, 'bin', 'redwick'), args, {
    cwd: from,
    env: { ...process.env, ...cleared, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  const watchers = new Set<() => void>()
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
    for (const watcher of watchers) watcher()
  })
  const ended = new Promise<CliResult>((resolve, reject) => {
    const limit = setTimeout(() => {
      child.kill('SIGKILL')
      reject(new Error(`${args.join(' ')} did not end within ${limitMs} ms:\n${stderr}`))
    }, limitMs)
    child.on('error', reject)
    child.on('close', (code, signal) => {
      clearTimeout(limit)
      for (const watcher of watchers) watcher()
      resolve({ code, signal, stdout, stderr })
    })
  })
  // Who does not wait for its end does not hear of it either.
  ended.catch(() => undefined)
  return {
    process: child,
    stderr: () => stderr,
    ended,
    sees: (pattern, timeoutMs = 60_000) =>
      new Promise((resolve, reject) => {
        const give = (error: Error): void => {
          clearTimeout(timer)
          watchers.delete(look)
          reject(error)
        }
        const look = (): void => {
          const found = pattern.exec(stderr)
          if (found !== null) {
            clearTimeout(timer)
            watchers.delete(look)
            resolve(found)
          } else if (child.exitCode !== null)
            give(new Error(`ended with ${child.exitCode} before ${pattern}:\n${stderr}`))
        }
        const timer = setTimeout(() => give(new Error(`not within ${timeoutMs} ms: ${pattern}\n${stderr}`)), timeoutMs)
        watchers.add(look)
        look()
      }),
  }
}

export async function runCli(
  args: readonly string[],
  environment: Environment,
  limitMs = runMsMax,
): Promise<CliResult> {
  return startCli(args, environment, limitMs).ended
}

/** Arguments of a replay of a file that ends with it. @param speed A factor, or `max`. */
export function replayArgs(path: string, speed = 'max'): string[] {
  const replay = ['--feed', 'replay', '--replay-file', path, '--replay-speed', speed]
  return ['topology', ...replay, '--until-end']
}
