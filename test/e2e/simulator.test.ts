import { cp, link, mkdir, mkdtemp, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createEmbeddedBroker } from '../../broker/embedded/embedded-broker.ts'
import { systemClock } from '../../topology/system-clock.ts'
import { runCli } from '../cli.ts'

// A reduced count here; `npm run proof -- simulator-day` runs the whole of it.
const simulated = process.env['SIM_DURATION'] ?? '5m'
const cuts = Number(process.env['SIM_CUTS'] ?? 20)
const restarts = Number(process.env['SIM_RESTARTS'] ?? 1)
const seed = Number(process.env['SIM_CUT_SEED'] ?? Date.now() % 2 ** 31)
/** Ample for a day at 1,000x. */
const simulationMsMax = process.env['SIM_DURATION'] === undefined ? 60_000 : 1_200_000
/** The log's own bound is 1 GiB a topic; candles, state and the rest must stay small beside it. */
const dirBytesMax = 1.5 * 1024 ** 3

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'redwick-sim-'))
})
afterAll(() => rm(dir, { recursive: true, force: true }))

async function sizeOf(path: string): Promise<number> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true })
  const sizes = await Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map(async (entry) => (await stat(join(entry.parentPath, entry.name))).size),
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}

/** The newest segment of the ticks topic with something in it. */
async function lastSegment(logDir: string): Promise<string> {
  const entries = await readdir(logDir, { recursive: true, withFileTypes: true })
  const files = entries.filter(
    (entry) => entry.isFile() && /\/ticks\//.test(`${entry.parentPath}/`) && !entry.name.endsWith('.json'),
  )
  const paths = files.map((entry) => join(entry.parentPath, entry.name)).sort()
  const sizes = await Promise.all(paths.map(async (path) => (await stat(path)).size))
  const found = paths.filter((_, i) => (sizes[i] ?? 0) > 0).at(-1)
  if (found === undefined) throw new Error(`no segment in ${logDir}`)
  return found
}

/** A copy that shares every segment but the one that is to be cut: opening reads the others and writes none. */
async function copyLog(from: string, to: string, cutSegment: string): Promise<void> {
  const entries = await readdir(from, { recursive: true, withFileTypes: true })
  for (const entry of entries) {
    const source = join(entry.parentPath, entry.name)
    const target = source.replace(from, to)
    if (entry.isDirectory()) await mkdir(target, { recursive: true })
    else {
      await mkdir(dirname(target), { recursive: true })
      await (source !== cutSegment && entry.name.endsWith('.log') ? link(source, target) : cp(source, target))
    }
  }
}

function random(state: number): () => number {
  let a = state
  return () => {
    a = (Math.imul(a, 1_664_525) + 1_013_904_223) >>> 0
    return a / 2 ** 32
  }
}

it(
  `${simulated} of the simulator at 1,000x keep the data directory bounded; a log cut at ${cuts} random points starts again`,
  async () => {
    const DATA_DIR = join(dir, 'data')
    const run = await runCli(
      ['topology', '--sim-speed', '1000', '--sim-duration', simulated, '--until-end'],
      { DATA_DIR },
      simulationMsMax,
    )
    expect(run, run.stderr).toMatchObject({ code: 0 })
    expect(run.stderr).toMatch(/records {2}used=[1-9]\d* late=0 duplicate=0 rejected=0/)
    const bytes = await sizeOf(DATA_DIR)
    expect(bytes).toBeLessThan(dirBytesMax)
    console.log(
      `data directory after ${simulated}: ${Math.round(bytes / 1024 ** 2)} MiB; cuts with SIM_CUT_SEED=${seed}`,
    )

    const segment = await lastSegment(join(DATA_DIR, 'log'))
    const { size } = await stat(segment)
    const draw = random(seed)
    const whole = createEmbeddedBroker({ dir: join(DATA_DIR, 'log'), clock: systemClock })
    const ends = await whole.admin.offsets('ticks')
    await whole.close()
    for (let i = 0; i < cuts; i++) {
      const copy = join(dir, 'cut')
      await copyLog(join(DATA_DIR, 'log'), copy, segment)
      await truncate(segment.replace(join(DATA_DIR, 'log'), copy), Math.floor(draw() * size))
      const broker = createEmbeddedBroker({ dir: copy, clock: systemClock })
      const offsets = await broker.admin.offsets('ticks')
      await broker.close()
      // Only the cut partition lost something, and only at its end: whole appends, from the cut on.
      const shorter = [...ends].filter(([partition, { latest }]) => (offsets.get(partition)?.latest ?? -1) !== latest)
      expect(shorter.length).toBeLessThanOrEqual(1)
      for (const [partition, { earliest, latest }] of ends) {
        expect(offsets.get(partition)?.earliest).toBeLessThanOrEqual(latest)
        expect(offsets.get(partition)?.latest).toBeGreaterThanOrEqual(earliest)
        expect(offsets.get(partition)?.latest).toBeLessThanOrEqual(latest)
      }
      await rm(copy, { recursive: true })
    }
  },
  simulationMsMax + cuts * 3000,
)

it(
  `a whole run cut at ${restarts} random points starts again, and the table is what it was`,
  async () => {
    const original = join(dir, 'original')
    const sim = ['topology', '--sim-speed', '1000', '--sim-duration', '5m', '--until-end']
    expect((await runCli(sim, { DATA_DIR: original })).code).toBe(0)
    const table = async (DATA_DIR: string): Promise<string> =>
      (await runCli(['export', '--out', '-'], { DATA_DIR })).stdout
    const before = await table(original)
    expect(before.split('\n').length).toBeGreaterThan(50)
    const segment = await lastSegment(join(original, 'log'))
    const { size } = await stat(segment)
    const draw = random(seed + 1)
    for (let i = 0; i < restarts; i++) {
      const DATA_DIR = join(dir, 'copy')
      await cp(original, DATA_DIR, { recursive: true })
      await truncate(segment.replace(original, DATA_DIR), Math.floor(draw() * size))
      const again = await runCli(['topology', '--feed', 'none', '--until-end'], { DATA_DIR })
      expect(again, again.stderr).toMatchObject({ code: 0 })
      expect(again.stderr).toMatch(/the candles hold what was cut off/)
      expect(await table(DATA_DIR)).toBe(before)
      if (i === 0) {
        // New ticks get offsets of their own: all of them count.
        const goesOn = await runCli(
          ['topology', '--feed', 'replay', '--replay-file', await fewTrades(), '--until-end'],
          {
            DATA_DIR,
          },
        )
        expect(goesOn.stderr).toMatch(/records {2}used=3 late=0 duplicate=0 rejected=0/)
      }
      await rm(DATA_DIR, { recursive: true })
    }
  },
  120_000 + restarts * 60_000,
)

async function fewTrades(): Promise<string> {
  const file = join(dir, 'few.csv')
  await writeFile(file, [1, 2, 3].map((id) => `NEW-USDT,${1_700_000_000_000 + id},10,1,buy,${id}`).join('\n'))
  return file
}
