import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { expect, it } from 'vitest'
import { startParams } from '../../sinks/pglite/seed.ts'
import { runCli } from '../cli.ts'
import { planExplainSuite } from './plan-explain.ts'

planExplainSuite(async (dataDir) => ({
  environment: { DATA_DIR: dataDir },
  async tamper(sql) {
    const db = await PGlite.create({ dataDir: join(dataDir, 'store', 'pgdata'), startParams })
    await db.exec(sql)
    await db.close()
  },
  drop: async () => undefined,
}))

it.each([
  { args: ['1m', 'yesterday'], code: 2, error: 'USAGE' },
  { args: ['7m', '2026-01-01T12:00Z'], code: 2, error: 'USAGE' },
  { args: ['1m'], code: 2, error: 'USAGE' },
  { args: ['1m', '2026-01-01T12:00Z', '--limit', '-1'], code: 2, error: 'USAGE' },
])(
  'explain BTC-USDT $args is a three-line error with $error',
  async ({ args, code, error }) => {
    const told = await runCli(['explain', 'BTC-USDT', ...args], {})
    expect(told).toMatchObject({ code, stdout: '' })
    expect(told.stderr.trimEnd().split('\n')).toEqual([
      expect.stringMatching(new RegExp(`^${error}: `)),
      expect.stringMatching(/^Why: (?!this was not expected)/),
      expect.stringMatching(/^Try: ./),
    ])
  },
  60_000,
)

it('where nothing ever ran, plan says new and explain that there is no topic', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'redwick-plan-'))
  try {
    const fresh = { DATA_DIR: dir }
    const plan = await runCli(['plan', '--replay', '1h'], fresh)
    expect(plan, plan.stderr).toMatchObject({ code: 0 })
    expect(plan.stdout).toMatch(/new: it may run\n/)
    const told = await runCli(['explain', 'BTC-USDT', '1m', '2026-01-01'], fresh)
    expect(told.code).toBe(1)
    expect(told.stderr).toMatch(/^NO_TOPIC: .*\nWhy: (?!this was not).*\nTry: /)
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}, 120_000)
