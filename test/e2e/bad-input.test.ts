import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { replayArgs, runCli } from '../cli.ts'
import { parseExport } from '../trades.ts'

let dir: string
const fresh = (): Promise<string> => mkdtemp(join(dir, 'run-'))

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'redwick-bad-'))
})
afterAll(() => rm(dir, { recursive: true, force: true }))

it('malformed lines are dead letters with file and line; the run goes on and exits 0', async () => {
  const file = join(dir, 'trades.csv')
  const DATA_DIR = await fresh()
  await writeFile(
    file,
    [
      'symbol,ts_ms,price,size,side,trade_id',
      'BTC-USDT,1700000000000,100.5,1,buy,1',
      'this is no trade',
      'BTC-USDT,1700000001000,nonsense,1,buy,2',
      'BTC-USDT,1700000002000,101,2,S,3',
      'BTC-USDT,1700000003000,-1,2,S,4',
      'BAD SYMBOL,1700000003000,1,2,S,5',
      '',
    ].join('\n'),
  )
  const run = await runCli(replayArgs(file), { DATA_DIR })
  expect(run, run.stderr).toMatchObject({ code: 0 })
  expect(run.stderr).toMatch(/rejected=4/)
  const listed = await runCli(['dead-letters', 'list', '--json'], { DATA_DIR })
  const letters = listed.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { reason: string; source: string })
  expect(letters.map(({ reason, source }) => `${reason} ${source}`).sort()).toEqual([
    'BAD_PRICE ',
    'BAD_SYMBOL ',
    'FEED_INPUT trades.csv:3',
    'FEED_INPUT trades.csv:4',
  ])
  const out = join(dir, 'out.csv')
  await runCli(['export', '--out', out, '--interval', '1m'], { DATA_DIR })
  expect(
    parseExport(await readFile(out, 'utf8')).map(({ symbol, trades, open, close }) => [symbol, trades, open, close]),
  ).toEqual([['BTC-USDT', 2, 100.5, 101]])
}, 120_000)

function listening(): Promise<{ server: Server; port: number }> {
  return new Promise((resolve) => {
    const server = createServer()
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      resolve({ server, port: typeof address === 'object' && address !== null ? address.port : 0 })
    })
  })
}

it.each([
  {
    name: 'a replay file that is not there',
    args: replayArgs('/nowhere/trades.csv'),
    env: {},
    code: 69,
    error: 'REPLAY_UNREADABLE',
  },
  { name: 'a folder as replay file', args: replayArgs('.'), env: {}, code: 69, error: 'REPLAY_UNREADABLE' },
  {
    name: 'replay without a file',
    args: ['topology', '--feed', 'replay', '--until-end'],
    env: {},
    code: 2,
    error: 'USAGE',
  },
  { name: 'an unknown option', args: ['topology', '--nonsense'], env: {}, code: 2, error: 'USAGE' },
  { name: 'an unknown command', args: ['nonsense'], env: {}, code: 2, error: 'USAGE' },
  { name: 'an unknown feed', args: ['topology', '--feed', 'nonsense'], env: {}, code: 2, error: 'USAGE' },
  { name: 'a speed of 0', args: ['topology', '--sim-speed', '0'], env: {}, code: 2, error: 'USAGE' },
  { name: 'a bad port', args: ['topology'], env: { PORT: 'x' }, code: 78, error: 'CONFIG' },
  { name: 'a bad database address', args: ['topology'], env: { DATABASE_URL: 'nonsense' }, code: 78, error: 'CONFIG' },
  {
    name: 'an open address without a token',
    args: ['topology'],
    env: { HOST: '0.0.0.0' },
    code: 78,
    error: 'AUTH_REQUIRED',
  },
  { name: 'a short token', args: ['topology'], env: { AUTH_TOKEN: 'short' }, code: 78, error: 'CONFIG' },
  {
    name: 'one role on the embedded profile',
    args: ['topology', '--role', 'engine'],
    env: {},
    code: 78,
    error: 'CONFIG',
  },
  {
    name: 'a broker that is not there',
    args: ['topology'],
    env: { REDPANDA_BROKERS: '127.0.0.1:1' },
    code: 69,
    error: 'BROKER_UNREACHABLE',
  },
  {
    name: 'a database that is not there',
    args: ['topology'],
    env: { DATABASE_URL: 'postgres://u:canary-secret@127.0.0.1:1/d' },
    code: 69,
    error: 'STORE_UNREACHABLE',
  },
  {
    name: 'a registry that is not there',
    args: ['topology'],
    env: { SCHEMA_REGISTRY_URL: 'http://127.0.0.1:1' },
    code: 69,
    error: 'REGISTRY_UNREACHABLE',
  },
])(
  '$name is a three-line error with $error and exit code $code',
  async ({ args, env, code, error }) => {
    const run = await runCli(args, { DATA_DIR: await fresh(), ...env })
    expect(run, run.stderr).toMatchObject({ code })
    const last = run.stderr.trimEnd().split('\n').slice(-3)
    expect(last[0]).toMatch(new RegExp(`^${error}: `))
    expect(last[1]).toMatch(/^Why: ./)
    expect(last[2]).toMatch(/^Try: ./)
    expect(run.stderr).not.toMatch(/^\s+at /m)
    expect(run.stderr).not.toContain('canary-secret')
  },
  120_000,
)

it('a port in use is an error, and none for a run that ends by itself', async () => {
  const { server, port } = await listening()
  try {
    const DATA_DIR = await fresh()
    const refused = await runCli(['topology'], { DATA_DIR, PORT: String(port) })
    expect(refused, refused.stderr).toMatchObject({ code: 69 })
    expect(refused.stderr).toMatch(/^PORT_IN_USE: /m)
    const file = join(dir, 'one.csv')
    await writeFile(file, 'BTC-USDT,1700000000000,100.5,1,buy,1\n')
    const ended = await runCli(replayArgs(file), { DATA_DIR, PORT: String(port) })
    expect(ended, ended.stderr).toMatchObject({ code: 0 })
  } finally {
    server.close()
  }
}, 120_000)

it('an archive that ends too early is an error, and what was read before it is kept', async () => {
  const file = join(dir, 'cut.csv.gz')
  const rows = Array.from(
    { length: 20_000 },
    (_, i) => `BTC-USDT,${1_700_000_000_000 + i * 1000},${100 + (i % 7)},1,buy,${i + 1}`,
  )
  const whole = gzipSync(rows.join('\n'))
  await writeFile(file, whole.subarray(0, Math.floor(whole.length / 2)))
  const DATA_DIR = await fresh()
  const run = await runCli(replayArgs(file), { DATA_DIR })
  expect(run, run.stderr).toMatchObject({ code: 69 })
  expect(run.stderr).toMatch(/^REPLAY_UNREADABLE: /m)
  const exported = await runCli(['export', '--out', '-', '--interval', '1m'], { DATA_DIR })
  expect(parseExport(exported.stdout).length).toBeGreaterThan(50)
}, 120_000)

it('a dead Redis costs no candle', async () => {
  const file = join(dir, 'two.csv')
  await writeFile(file, 'BTC-USDT,1700000000000,100.5,1,buy,1\n')
  const DATA_DIR = await fresh()
  const run = await runCli(replayArgs(file), { DATA_DIR, REDIS_URL: 'redis://127.0.0.1:1' })
  expect(run, run.stderr).toMatchObject({ code: 0 })
  const exported = await runCli(['export', '--out', '-', '--interval', '1m'], { DATA_DIR })
  expect(parseExport(exported.stdout)).toHaveLength(1)
}, 120_000)
