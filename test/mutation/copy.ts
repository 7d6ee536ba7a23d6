import { type ChildProcess, fork } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'

/** For one file of tests, if nothing else is said: a mutant may wait for what never comes. */
const fileMsMax = 60_000
/** What was loaded stays loaded: a process serves so many times. */
const runsMax = 300
const startMsMax = 60_000
const copied = [
  ...['processors', 'schemas', 'ports', 'test', 'gateway', 'topology'],
  ...['package.json', 'tsconfig.json', 'vitest.config.ts'],
]
const endless = Symbol('endless')
const answer = z.object({ failed: z.boolean() })

/** A copy of the sources in which one file at a time is changed. */
export interface Copy {
  /**
   * Runs test files, one after the other, until one fails or never ends, with `file` changed to `text`.
   *
   * @param msMaxOf How long a test file may take.
   * @returns That test file, or undefined when all passed.
   */
  failing(
    file: string,
    text: string,
    tests: readonly string[],
    msMaxOf?: (test: string) => number,
  ): Promise<string | undefined>
  remove(): Promise<void>
}

/** The next message of a process; `endless` when there is none in time, and then the process and its own are ended. */
function nextMessage(child: ChildProcess, msMax: number): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const exited = (code: number | null): void => {
      clearTimeout(timer)
      reject(new Error(`the tests' process has ended with ${code}`))
    }
    const timer = setTimeout(() => {
      child.off('exit', exited)
      // The whole group: the tests run in processes of their own.
      process.kill(-(child.pid ?? 0), 'SIGKILL')
      resolve(endless)
    }, msMax)
    child.once('exit', exited)
    child.once('message', (message) => {
      clearTimeout(timer)
      child.off('exit', exited)
      resolve(message)
    })
  })
}

export async function makeCopy(root: string): Promise<Copy> {
  const dir = await mkdtemp(join(tmpdir(), 'redwick-mutation-'))
  for (const name of copied) await cp(join(root, name), join(dir, name), { recursive: true })
  await symlink(join(root, 'node_modules'), join(dir, 'node_modules'))
  const shared = process.env['SHARED_DIR'] ?? join(root, '..', 'shared')
  let child: ChildProcess | undefined
  let runs = 0
  const start = async (): Promise<ChildProcess> => {
    const started = fork(join(dir, 'test', 'mutation', 'warm.ts'), [], {
      cwd: dir,
      execArgv: ['--disable-warning=ExperimentalWarning'],
      env: { ...process.env, SHARED_DIR: shared, PROPERTY_RUNS: '40', PROPERTY_SHRINK: 'no' },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      detached: true,
    })
    await nextMessage(started, startMsMax)
    return started
  }
  const firstFailure = async (
    tests: readonly string[],
    msMaxOf: (test: string) => number,
  ): Promise<string | undefined> => {
    for (const test of tests) {
      runs += 1
      if (runs % runsMax === 0) {
        child?.disconnect()
        child = undefined
      }
      child ??= await start()
      const answered = nextMessage(child, msMaxOf(test))
      child.send({ file: test })
      const message = await answered
      if (message === endless) {
        child = undefined
        return test
      }
      if (answer.parse(message).failed) return test
    }
    return undefined
  }
  return {
    async failing(file, text, tests, msMaxOf = () => fileMsMax) {
      const path = join(dir, file)
      const original = await readFile(path)
      await writeFile(path, text)
      const failed = await firstFailure(tests, msMaxOf)
      await writeFile(path, original)
      return failed
    },
    async remove() {
      if (child?.connected === true) child.disconnect()
      await rm(dir, { recursive: true, force: true })
    },
  }
}
