import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCli, startCli } from '../cli.ts'

const root = join(import.meta.dirname, '..', '..')
const live = ['topology', '--sim-rate', '50', '--sim-duration', '30s']

let dir: string
const freshDir = (): Promise<string> => mkdtemp(join(dir, 'run-'))

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'redwick-life-'))
})
afterAll(() => rm(dir, { recursive: true, force: true }))

/** Pids of processes whose environment holds the data directory: every process of that run. */
function processesOf(dataDir: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`DATA_DIR=${dataDir}\0`)
      } catch {
        return false
      }
    })
}

async function counted(url: string, result: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  const line = text.split('\n').find((one) => one.startsWith(`redwick_records_total{result="${result}"`))
  return Number(line?.split(' ').at(-1))
}

async function usedAbove(url: string, least: number): Promise<void> {
  for (let i = 0; i < 300; i++) {
    if ((await counted(url, 'used')) > least) return
    await sleep(100)
  }
  throw new Error(`not more than ${least} ticks used within 30 s`)
}

describe('npm run topology', () => {
  it.each([
    { name: 'SIGINT to npm', signal: 'SIGINT', isGroup: false },
    { name: 'SIGTERM to npm', signal: 'SIGTERM', isGroup: false },
    { name: 'SIGINT to the process group, as Ctrl-C does', signal: 'SIGINT', isGroup: true },
    { name: 'SIGTERM to the process group', signal: 'SIGTERM', isGroup: true },
  ] as const)(
    '$name ends it cleanly: no process is left, the last commit is there',
    async ({ signal, isGroup }) => {
      const dataDir = await freshDir()
      const npm = spawn('npm', ['run', 'topology', '--', ...live.slice(1)], {
        cwd: root,
        detached: true,
        env: { ...process.env, DATA_DIR: dataDir, PORT: '0', NO_COLOR: '1' },
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      let text = ''
      npm.stderr.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      npm.stdout.resume()
      const ended = new Promise<{ code: number | null; by: NodeJS.Signals | null }>((resolve) =>
        npm.on('close', (code, by) => resolve({ code, by })),
      )
      let url: string | undefined
      for (let i = 0; i < 900 && url === undefined; i++) {
        url = /ready at (\S+)/.exec(text)?.[1]
        await sleep(100)
      }
      if (url === undefined) throw new Error(`never ready:\n${text}`)
      await usedAbove(url, 10)
      process.kill(isGroup ? -(npm.pid ?? 0) : (npm.pid ?? 0), signal)
      const { code, by } = await ended
      expect([0, 130, 143, signal]).toContain(code ?? by)
      expect(processesOf(dataDir)).toEqual([])
      expect(text).not.toMatch(/at .*\.ts:\d+/)
      const listed = await runCli(['export', '--out', '-'], { DATA_DIR: dataDir })
      expect(listed, listed.stderr).toMatchObject({ code: 0 })
      expect(existsSync(join(dataDir, 'store'))).toBe(true)
    },
    180_000,
  )
})

it('started again it goes on from its data: no duplicate, no dead letter, ids and clock continue', async () => {
  const dataDir = await freshDir()
  for (const isKilled of [true, false, false]) {
    const run = startCli(live, { DATA_DIR: dataDir })
    const url = (await run.sees(/ready at (\S+)/))[1] ?? ''
    await usedAbove(url, 50)
    expect([await counted(url, 'duplicate'), await counted(url, 'rejected'), await counted(url, 'late')]).toEqual([
      0, 0, 0,
    ])
    run.process.kill(isKilled ? 'SIGKILL' : 'SIGTERM')
    const { code } = await run.ended
    if (!isKilled) expect(code).toBe(0)
  }
}, 180_000)

it('two at once on one data directory: the second is refused and names the first; export too', async () => {
  const dataDir = await freshDir()
  const first = startCli(live, { DATA_DIR: dataDir })
  await first.sees(/ready at/)
  for (const args of [live, ['export', '--out', join(dir, 'never.csv')]]) {
    const second = await runCli(args, { DATA_DIR: dataDir })
    expect(second.code).toBe(69)
    expect(second.stderr.trimEnd().split('\n').slice(-3)).toEqual([
      expect.stringMatching(/^DATA_DIR_LOCKED: /),
      expect.stringContaining(`Process ${first.process.pid}`),
      expect.stringMatching(/^Try: /),
    ])
  }
  first.process.kill('SIGTERM')
  expect((await first.ended).code).toBe(0)
}, 180_000)
