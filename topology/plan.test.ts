import { describe, expect, it } from 'vitest'
import { FatalError } from '../schemas/errors.ts'
import { candles } from './candles.ts'
import { declarationOf } from './declaration.ts'
import { topologyJson } from './describe.ts'
import { type Plan, planTopology } from './plan.ts'
import { declarationParts } from './plan-parts.ts'
import { planText } from './plan-text.ts'

const before = declarationOf(candles)

type Declared = {
  source: Record<string, unknown>
  watermark: Record<string, unknown>
  steps: { operator: string; id?: string; options: Record<string, unknown> }[]
  sinks: Record<string, unknown>[]
}

/** The candle topology with something changed. */
function planOf(change: (declared: Declared) => unknown, isCommitted = true): Plan {
  const declared = JSON.parse(JSON.stringify(topologyJson(candles))) as Declared
  change(declared)
  const declaration = JSON.stringify(declared)
  return planTopology({
    declared: { name: 'candles', hash: 'changed', declaration },
    stored: { ...before, firstRunAt: 0, lastRunAt: 1_700_000_000_000 },
    isCommitted,
  })
}

const stepOf = (declared: Declared, operator: string) => {
  const found = declared.steps.find((one) => one.operator === operator)
  if (found === undefined) throw new Error(`no ${operator}`)
  return found
}

const told = ({ sections }: Plan): string[] =>
  sections.flatMap(({ label, changes }) =>
    changes.map(({ option, from, to, effect }) => `${label} ${option}: ${from ?? ''} -> ${to ?? ''} ${effect}`),
  )

describe('a plan', () => {
  it.each<{ name: string; change: (declared: Declared) => unknown; says: string[] }>([
    { name: 'nothing', change: () => undefined, says: [] },
    {
      name: 'the cadence of updates',
      change: (d) => Object.assign(stepOf(d, 'toCandles').options, { emitEveryMs: 250 }),
      says: [`toCandles 'candles' emitEveryMs: 100 -> 250 safe`],
    },
    {
      name: 'idleness and the future bound',
      change: (d) => Object.assign(d.watermark, { idleAfterMs: 9000, futureBoundMs: 30_000 }),
      says: ['watermark idleAfterMs: 5000 -> 9000 safe', 'watermark futureBoundMs: 60000 -> 30000 safe'],
    },
    {
      name: 'a sink less',
      change: (d) => void d.sinks.pop(),
      says: ['sinks dead-letters: exactly once ->  safe'],
    },
    {
      name: 'the out-of-orderness',
      change: (d) => Object.assign(d.watermark, { outOfOrdernessMs: 1000 }),
      says: ['watermark outOfOrdernessMs: 500 -> 1000 alters'],
    },
    {
      name: 'the horizon of deduplication, told once',
      change: (d) => Object.assign(stepOf(d, 'deduplicate').options, { within: '20m', withinMs: 1_200_000 }),
      says: [`deduplicate 'by-trade' withinMs: 600000 -> 1200000 alters`],
    },
    {
      name: 'a stateless step more',
      change: (d) => void d.steps.splice(2, 0, { operator: 'filter', options: {} }),
      says: ['filter :  -> filter alters'],
    },
    {
      name: 'a stateful step more',
      change: (d) => void d.steps.splice(2, 0, { operator: 'process', id: 'own', options: {} }),
      says: [`process 'own' :  -> process 'own' alters`],
    },
    {
      name: 'a stateful step less',
      change: (d) => void d.steps.splice(1, 1),
      says: [`deduplicate 'by-trade' : deduplicate 'by-trade' ->  refused`],
    },
    {
      name: 'an id renamed',
      change: (d) => Object.assign(stepOf(d, 'deduplicate'), { id: 'by-id' }),
      says: [
        `deduplicate 'by-id' :  -> deduplicate 'by-id' alters`,
        `deduplicate 'by-trade' : deduplicate 'by-trade' ->  refused`,
      ],
    },
    {
      name: 'an id that another operator has',
      change: (d) => Object.assign(stepOf(d, 'deduplicate'), { operator: 'process' }),
      says: [`process 'by-trade' : deduplicate 'by-trade' -> process 'by-trade' refused`],
    },
    {
      name: 'the base window',
      change: (d) => Object.assign(stepOf(d, 'toCandles').options, { base: '30s', baseMs: 30_000 }),
      says: [`toCandles 'candles' baseMs: 60000 -> 30000 refused`],
    },
    {
      name: 'an interval more',
      change: (d) =>
        Object.assign(stepOf(d, 'toCandles').options, { rollUp: ['5m', '15m', '30m', '1h', '2h', '4h', '1d'] }),
      says: [`toCandles 'candles' rollUp: 5m 15m 30m 1h 4h 1d -> 5m 15m 30m 1h 2h 4h 1d refused`],
    },
    {
      name: 'the lateness',
      change: (d) => Object.assign(stepOf(d, 'toCandles').options, { allowedLatenessMs: 1 }),
      says: [`toCandles 'candles' allowedLatenessMs: 120000 -> 1 refused`],
    },
    {
      name: 'the source',
      change: (d) => Object.assign(d.source, { topic: 'trades' }),
      says: ['source topic: ticks -> trades refused'],
    },
  ])('of $name says what it does, step by step', ({ change, says }) => {
    expect(told(planOf(change))).toEqual(says)
  })

  it.each<{ verdict: Plan['verdict']; change: (declared: Declared) => unknown; ends: RegExp }>([
    { verdict: 'unchanged', change: () => undefined, ends: /\nunchanged: it may run$/ },
    {
      verdict: 'changed',
      change: (d) => Object.assign(d.watermark, { outOfOrdernessMs: 1000, idleAfterMs: 1 }),
      ends: /~ outOfOrdernessMs {2}500 -> 1000\n.*alters results: [\s\S]*\nchanged \(1 safe, 1 alters results\): it may run/,
    },
    {
      verdict: 'refused',
      change: (d) => Object.assign(stepOf(d, 'deduplicate'), { id: 'by-id' }),
      ends: /- removed\n.*REFUSED: .*orphaned; was it renamed to 'by-id'\?[\s\S]*\nrefused \(1 alters results, 1 REFUSED\)/,
    },
  ])('is $verdict, and reads so', ({ verdict, change, ends }) => {
    const plan = planOf(change)
    expect(plan.verdict).toBe(verdict)
    expect(planText(plan)).toMatch(ends)
  })

  it('refuses nothing while nothing is committed', () => {
    const plan = planOf((d) => Object.assign(stepOf(d, 'toCandles').options, { baseMs: 30_000 }), false)
    expect(plan.verdict).toBe('changed')
    expect(plan.sections.flatMap(({ changes }) => changes).map(({ effect }) => effect)).toEqual(['safe'])
  })

  it('of a name that never ran is new', () => {
    const plan = planTopology({ declared: before, stored: undefined, isCommitted: false })
    expect(plan.verdict).toBe('new')
    expect(planText(plan)).toMatch(/new: it may run$/)
  })

  it.each([
    { name: 'another partition count', found: { topicId: 'a', partitions: 8 }, option: 'partitions' },
    { name: 'a topic made anew', found: { topicId: 'b', partitions: 4 }, option: 'topicId' },
    { name: 'another topic', found: { topic: 'x.ticks', topicId: 'a', partitions: 4 }, option: 'topic' },
  ])('refuses $name', ({ found, option }) => {
    const committed = { topic: 'ticks', topicId: 'a', partitions: 4 }
    const plan = planTopology({
      declared: before,
      stored: { ...before, firstRunAt: 0, lastRunAt: 0 },
      isCommitted: true,
      topic: { found: { ...committed, ...found }, committed: [committed] },
    })
    expect(plan.verdict).toBe('refused')
    expect(plan.sections.flatMap(({ changes }) => changes).map((one) => one.option)).toEqual([option])
  })

  it('compares the steps of several stages by id, wherever they stand', () => {
    const stage = (topic: string, ...ids: string[]) => ({
      source: { topic },
      watermark: { outOfOrdernessMs: 1 },
      steps: ids.map((id) => ({ operator: 'aggregate', id, options: { size: 60_000 } })),
    })
    const declared = {
      name: 'two',
      hash: 'b',
      declaration: JSON.stringify({ name: 'two', stages: [stage('a', 'x'), stage('b', 'y', 'z')] }),
    }
    const stored = { ...declared, hash: 'a', firstRunAt: 0, lastRunAt: 0 }
    const plan = (...stages: readonly object[]) =>
      planTopology({
        declared: { ...declared, declaration: JSON.stringify({ name: 'two', stages }) },
        stored,
        isCommitted: true,
      })
    expect(plan(stage('a', 'x'), stage('b', 'y', 'z')).verdict).toBe('unchanged')
    expect(told(plan(stage('a', 'x', 'y'), stage('b', 'z')))).toEqual([
      expect.stringMatching(/^order of the steps.* alters$/),
    ])
    expect(told(plan(stage('a', 'x'), stage('b', 'z')))).toEqual([
      `stage 2: aggregate 'y' : stage 2: aggregate 'y' ->  refused`,
    ])
    expect(told(plan(stage('a', 'x'), stage('c', 'y', 'z')))).toEqual(['stage 2: source topic: b -> c refused'])
  })

  it('of the steps in another order says that results alter', () => {
    const [change, ...more] = told(planOf((d) => void d.steps.splice(0, 2, ...d.steps.slice(0, 2).reverse())))
    expect(change).toMatch(/^order of the steps : .* alters$/)
    expect(more).toEqual([])
  })

  it('of one stage is the same, written as a list of one', () => {
    const { name, ...stage } = JSON.parse(before.declaration) as { name: string }
    expect(declarationParts(JSON.stringify({ name, stages: [stage] }))).toEqual(declarationParts(before.declaration))
  })

  it.each(['', '{', '[]', '{"name":"candles"}', '{"steps":[{"id":"x"}]}'])(
    'of an unreadable declaration %j is refused',
    (text) => {
      expect(() => declarationParts(text)).toThrow(FatalError)
    },
  )
})
