/** Which tests notice mutants of a file, and how fast: those come first that most likely notice one soon. */
export interface TestOrder {
  of(file: string, tests: readonly string[]): readonly string[]
  /** @param by The test that noticed a mutant, the last of those that were run. */
  note(file: string, run: readonly string[], by: string | undefined): void
}

/** @param msOf How long each test takes. */
export function createTestOrder(msOf: ReadonlyMap<string, number>): TestOrder {
  const counts = new Map<string, { runs: number; kills: number }>()
  const countOf = (file: string, test: string): { runs: number; kills: number } => {
    const id = `${file} ${test}`
    const known = counts.get(id) ?? { runs: 0, kills: 0 }
    counts.set(id, known)
    return known
  }
  const worth = (file: string, test: string): number => {
    const { runs, kills } = countOf(file, test)
    return (kills + 1) / (runs + 1) / Math.max(1, msOf.get(test) ?? 1)
  }
  return {
    of: (file, tests) => tests.toSorted((a, b) => worth(file, b) - worth(file, a)),
    note(file, run, by) {
      for (const test of run) {
        const count = countOf(file, test)
        count.runs += 1
        if (test === by) {
          count.kills += 1
          return
        }
      }
    },
  }
}
