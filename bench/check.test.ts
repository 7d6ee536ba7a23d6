import { expect, it } from 'vitest'
import { speedsOf, verdictsOf } from './check.ts'

const speed = (median: number) => ({ min: median - 1, median, max: median + 1 })

it('takes what is measured by the second, of cases too', () => {
  const line = JSON.stringify({
    ...{ bench: 'x', ticksPerSecond: speed(10), cpuMicrosPerTick: speed(3), ticks: 5, runs: 1 },
    cases: { some: { rowsPerSecond: speed(20), ratio: 2 } },
  })
  expect([...speedsOf(line)]).toEqual([
    ['ticksPerSecond', speed(10)],
    ['some, rowsPerSecond', speed(20)],
  ])
})

it('compares each turn, and passes over what only one of them measures', () => {
  const ours = (median: number) =>
    new Map([
      ['a', speed(median)],
      ['new', speed(1)],
    ])
  const theirs = (median: number) => new Map([['a', speed(median)]])
  const verdicts = verdictsOf([
    { ours: [ours(100), ours(100)], theirs: [theirs(50), theirs(50)] },
    { ours: [ours(90), ours(90)], theirs: [theirs(100), theirs(100)] },
    { ours: [ours(100), ours(50)], theirs: [theirs(100), theirs(50)] },
  ])
  expect(verdicts).toEqual([{ name: 'a', ratios: { min: 0.9, median: 1, max: 2 }, bestRuns: 1 }])
})
