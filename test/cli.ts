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

/** Starts the command line as `npm run` does, without npm. */
export function startCli(args: readonly string[], environment: Environment): RunningCli {
  const child = spawn(join(root, 'bin', 'redwick'), args, {
    cwd: root,
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
    child.on('error', reject)
    child.on('close', (code, signal) => {
      for (const watcher of watchers) watcher()
      resolve({ code, signal, stdout, stderr })
    })
  })
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

export async function runCli(args: readonly string[], environment: Environment): Promise<CliResult> {
  return startCli(args, environment).ended
}
