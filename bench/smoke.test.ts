import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { runCli } from '../test/cli.ts'
import { describeServices } from '../test/services/services.ts'

const positive = z.object({ min: z.number().positive(), median: z.number().positive(), max: z.number().positive() })
const measures = z.record(z.string(), z.unknown())
const printed = z.object({ bench: z.string(), runs: z.literal(1), cases: z.record(z.string(), measures).optional() })

/** Runs a bench as small as it goes; what it measures then says nothing, and nothing is kept. */
async function smoke(name: string, ticks: number) {
  const args = ['bench', name, '--json', '--runs', '1', '--no-save', '--ticks', String(ticks), '--allow-noise']
  const { code, stdout, stderr } = await runCli(args, {})
  expect(code, stderr).toBe(0)
  const result = z.looseObject({}).parse(JSON.parse(stdout))
  const { cases = {}, bench } = printed.parse(result)
  expect(bench).toBe(name)
  const speeds = [result, ...Object.values(cases)].flatMap((each) =>
    Object.entries(each).filter(([measure]) => measure.endsWith('PerSecond')),
  )
  expect(speeds.length).toBeGreaterThan(0)
  for (const [measure, value] of speeds)
    expect(positive.safeParse(value), `${measure} of ${name}`).toMatchObject({ success: true })
}

describe('benches of memory alone run', () => {
  it.each(['decode', 'late', 'records'])('%s', (name) => smoke(name, 20_000))
})

describeServices(['kafka', 'postgres'], 'benches on a broker and a database run', () => {
  it.each(['consume', 'end-to-end'])('%s', (name) => smoke(name, 20_000), 120_000)
  it('api', () => smoke('api', 1), 120_000)
})
