import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { parsed, usage, wholeNumber } from '../arguments.ts'
import { type Deployment, startDeployment } from './deployment.ts'
import { createInjector } from './inject.ts'
import { committedOffsets, median, msUntilCommitted, tradeRecord } from './observe.ts'
import { onPlatform } from './platform.ts'
import { drawScript, type FaultKind, type MemberName, memberNames } from './script.ts'

// Whether memory stays flat under load and faults: npm run endure -- --minutes 15

const symbolCount = 200
const feedEveryMs = 50
const sampleEveryMs = 5_000
const faultEveryMs = 30_000
/** How long the greatest rate is looked for, and how much of that is warm-up. */
const probeMs = 40_000
const warmUpMs = 15_000
const lagMsMax = 60_000
const growthMax = 1.05
/** Nothing that ends a process: what it holds would be gone. */
const kinds: readonly FaultKind[] = [
  ...(['stop', 'copy cut', 'commit cut', 'answer lost', 'commit held', 'cut', 'half-open', 'swallow'] as const),
  ...(['black hole', 'latency', 'broker', 'database', 'snapshot', 'read-only', 'flush'] as const),
]

const options = {
  minutes: { type: 'string', default: '15' },
  rate: { type: 'string' },
  seed: { type: 'string', default: '1' },
} as const
const values = parsed(() => parseArgs({ options }).values)
const minutes = Number(values.minutes)
if (!(minutes > 0)) usage(`--minutes takes a number above 0, was ${values.minutes}`)
const rate = values.rate === undefined ? undefined : wholeNumber('rate', values.rate, 1)
const seed = wholeNumber('seed', values.seed, 0)

interface Feed {
  /** Ticks a second from now on. */
  rate: number
  readonly sent: () => number
  stop(): Promise<void>
}

function startFeed(deployment: Deployment): Feed {
  const symbols = Array.from({ length: symbolCount }, (_, i) => `E-${i}`)
  let [sent, isOver] = [0, false]
  const feed: Feed = { rate: 0, sent: () => sent, stop }
  const feeding = (async () => {
    let owed = 0
    let last = performance.now()
    while (!isOver) {
      const now = performance.now()
      // What a slow broker kept waiting is not made up for: the rate is a greatest one.
      owed = Math.min(owed + (feed.rate * (now - last)) / 1000, feed.rate)
      last = now
      const count = Math.floor(owed)
      owed -= count
      const eventTime = Date.now()
      const records = Array.from({ length: count }, (_, i) => {
        const at = sent + i
        const symbol = symbols[at % symbolCount] ?? ''
        // One behind the other, as venues count: a gap at each tick would measure what deduplication remembers of gaps.
        const tradeId = Math.floor(at / symbolCount) + 1
        return tradeRecord(deployment, { symbol, eventTime, price: 100 + (at % 1000) / 100, tradeId })
      })
      if (count > 0) await deployment.send(records)
      sent += count
      await sleep(feedEveryMs)
    }
  })()
  async function stop(): Promise<void> {
    isOver = true
    await feeding
  }
  return feed
}

const committedRecords = async ({ databaseUrl }: Deployment): Promise<number> =>
  [...(await committedOffsets(databaseUrl)).values()].reduce((sum, offset) => sum + offset, 0)

/** Ticks a second that the platform commits when it is given more than it can take. */
async function greatestRate(deployment: Deployment, feed: Feed): Promise<number> {
  feed.rate = 400_000
  await sleep(warmUpMs)
  const [before, started] = [await committedRecords(deployment), performance.now()]
  await sleep(probeMs - warmUpMs)
  const rate = ((await committedRecords(deployment)) - before) / ((performance.now() - started) / 1000)
  feed.rate = 0
  await msUntilCommitted(deployment, lagMsMax)
  return rate
}

interface Sample {
  readonly rssMb: number
  readonly descriptors: number
}

function sampleOf(pid: number): Sample | undefined {
  try {
    const kb = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
    return { rssMb: kb / 1024, descriptors: readdirSync(`/proc/${pid}/fd`).length }
  } catch {
    return undefined
  }
}

await onPlatform({ isDiskSmall: false }, async (platform) => {
  let isFlat = true
  const told: string[] = []
  const deployment = await startDeployment(platform)
  const feed = startFeed(deployment)
  try {
    feed.rate = rate ?? (await greatestRate(deployment, feed)) / 2
    console.log(`fed: ${Math.round(feed.rate)} ticks/s, to two engines beside feed, broker and database`)
    const totalMs = minutes * 60_000
    const count = Math.max(1, Math.floor(totalMs / faultEveryMs) - 1)
    const script = drawScript({ seed, faults: count, lastMs: 1, kinds })
    const pids = Object.fromEntries(memberNames.map((name) => [name, deployment.members[name].pid()]))
    const samples = Object.fromEntries(memberNames.map((name) => [name, [] as Sample[]])) as Record<
      MemberName,
      Sample[]
    >
    const began = performance.now()
    const elapsed = (): number => performance.now() - began
    const { members } = deployment
    const injector = createInjector({ platform, members, elapsed, log: (line) => console.log(`  ${line}`) })
    const faulting = (async () => {
      for (const [i, fault] of script.entries()) {
        await sleep(Math.max(0, (i + 1) * faultEveryMs - elapsed()))
        await injector.inject(fault)
      }
    })()
    while (elapsed() < totalMs) {
      await sleep(sampleEveryMs)
      for (const name of memberNames) {
        const sample = sampleOf(pids[name] ?? 0)
        if (sample !== undefined) samples[name].push(sample)
      }
    }
    await faulting
    await injector.mend()
    await feed.stop()
    const lagMs = await msUntilCommitted(deployment, lagMsMax)
    for (const name of memberNames) {
      const list = samples[name]
      const third = Math.floor(list.length / 3)
      const thirdOf = (at: number, of: (sample: Sample) => number): number =>
        median(list.slice(at * third, (at + 1) * third).map(of))
      const rss = [0, 1, 2].map((at) => thirdOf(at, ({ rssMb }) => rssMb))
      const open = [0, 1, 2].map((at) => thirdOf(at, ({ descriptors }) => descriptors))
      const growth = (rss[2] ?? 0) / (rss[1] ?? 1)
      const isSame = pids[name] === deployment.members[name].pid()
      isFlat &&= isSame && growth <= growthMax && (open[2] ?? 0) <= (open[1] ?? 0) + 2
      told.push(`${name} RSS ${growth.toFixed(3)}, descriptors ${open[1]} to ${open[2]}`)
      console.log(
        `${name}: RSS ${rss.map((mb) => Math.round(mb)).join(', ')} MB by thirds (last / middle ${growth.toFixed(3)}), ` +
          `descriptors ${open.join(', ')}${isSame ? '' : '; it has ended in between'}`,
      )
    }
    console.log(
      `${feed.sent()} ticks in ${minutes} min, ${script.length} faults; all committed ${Math.round(lagMs)} ms after the end`,
    )
  } finally {
    await feed.stop()
    await deployment.close()
  }
  console.log(`${isFlat ? '' : 'NOT '}flat (last third / middle third): ${told.join(', ')}`)
  return isFlat
})
