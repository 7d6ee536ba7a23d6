// What test files import from Vitest where mutants are run: it collects their tests, and runs them until one fails.
import { expect } from 'vitest'

export { expect }

type Body = (...row: readonly unknown[]) => unknown

let tests: (() => unknown)[] = []
const finishers: (() => unknown)[] = []

export const describe = (_title: string, suite: () => void): void => suite()
const add = (_title: string, body: Body): void => {
  tests.push(body)
}
const each =
  (rows: readonly unknown[]) =>
  (_title: string, body: Body): void => {
    for (const row of rows) tests.push(() => (Array.isArray(row) ? body(...row) : body(row)))
  }
export const it = Object.assign(add, { each, skip: () => undefined })
export const onTestFinished = (finish: () => unknown): void => {
  finishers.push(finish)
}

/** Runs the tests collected since the last time. @returns What the first that failed has thrown, if one did. */
export async function firstError(): Promise<{ readonly error: unknown } | undefined> {
  const taken = tests
  tests = []
  for (const test of taken) {
    try {
      await test()
    } catch (error) {
      return { error }
    } finally {
      for (const finish of finishers.splice(0)) await finish()
    }
  }
  return undefined
}
