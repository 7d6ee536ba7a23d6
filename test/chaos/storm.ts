import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type { OutgoingRecord, StoredRecord } from '../../ports/broker.ts'
import { readThrough } from '../../ports/read-through.ts'
import { partitionOfKey } from '../../schemas/partitioner.ts'
import { parsed, usage, wholeNumber } from '../arguments.ts'
import { asAdmin } from './admin.ts'
import { type Deployment, startDeployment } from './deployment.ts'
import { msUntilCommitted, symbolsOfPartitions, tradeRecord, wholeTopic } from './observe.ts'
import { onPlatform, type Platform } from './platform.ts'
import { engineNames } from './script.ts'

// What many symbols do at once: npm run storm -- --symbols 100000 --only new|midnight

const intervalsStored = 7
const sendAtOnce = 20_000
const steadyEveryMs = 50
const settleMs = 2_000
const daySeconds = 86_400
const minuteMs = 60_000
/** Of Linux's process times. */
const ticksPerSecond = 100
/** Until the broker counts a transaction's records to the log. */
const visibleMs = 500
/** A look costs the database a new connection. */
const lookEveryMs = 500
const oldSymbols = 5_000
const oldRounds = 10
const earlyMs = 20_000
const doneMsMax = 240_000
/** Asked for. */
const stallMsMax = 1_000
const finalsMsMax = 5_000

const options = { symbols: { type: 'string', default: '100000' }, only: { type: 'string' } } as const
const values = parsed(() => parseArgs({ options }).values)
const symbolCount = wholeNumber('symbols', values.symbols, 1)

let ids = 0

function tickRecord(deployment: Deployment, symbol: string, eventTime: number): OutgoingRecord {
  ids += 1
  return tradeRecord(deployment, { symbol, eventTime, price: 100 + (ids % 100), tradeId: ids })
}

async function sendAll(deployment: Deployment, symbols: readonly string[], eventTime: number): Promise<void> {
  for (let at = 0; at < symbols.length; at += sendAtOnce)
    await deployment.send(symbols.slice(at, at + sendAtOnce).map((symbol) => tickRecord(deployment, symbol, eventTime)))
}

/** Greatest resident memory of the engines so far, in MB. */
const enginesMb = ({ members }: Deployment): string =>
  engineNames
    .map((name) => {
      const status = readFileSync(`/proc/${members[name].pid()}/status`, 'utf8')
      return Math.round(Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1024)
    })
    .join(' and ')

/** Processor time so far: of each member, of this process, and of all that runs on the machine. */
function cpuSeconds({ members }: Deployment): ReadonlyMap<string, number> {
  const seconds = new Map<string, number>()
  for (const [name, member] of Object.entries(members)) {
    const fields = readFileSync(`/proc/${member.pid()}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
    seconds.set(name, (Number(fields[11]) + Number(fields[12])) / ticksPerSecond)
  }
  const { user, system } = process.cpuUsage()
  const busyMs = cpus().reduce((sum, { times }) => sum + times.user + times.sys + times.irq + times.nice, 0)
  return seconds.set('this script', (user + system) / 1e6).set('the machine', busyMs / 1e3)
}

/** Until nothing more is told on `candles.live`. */
async function untilQuiet({ broker, topics }: Deployment): Promise<void> {
  const end = async (): Promise<number> =>
    [...(await broker.admin.offsets(topics.candlesLive)).values()].reduce((sum, { latest }) => sum + latest, 0)
  const startedAt = Date.now()
  for (let [before, now] = [-1, await end()]; now > before; [before, now] = [now, await end()]) {
    if (Date.now() - startedAt > doneMsMax) throw new Error(`something is told for more than ${doneMsMax} ms`)
    await sleep(settleMs)
  }
}

const crashesOf = ({ members }: Deployment): number =>
  Object.values(members).reduce((sum, { crashes }) => sum + crashes.length, 0)

/** Longest time from a tick of these symbols in the log, or from `visibleAt` on, to the first word on it: by the broker's clock. */
async function longestWaitMs(
  { broker, topics, codecs }: Deployment,
  symbols: readonly string[],
  visibleAt: number,
): Promise<number> {
  const ticks = await wholeTopic(broker, topics.ticks)
  const live = await wholeTopic(broker, topics.candlesLive)
  const waits = symbols.map((symbol) => {
    const partition = partitionOfKey(symbol, ticks.size)
    const ofSymbol = ({ key }: StoredRecord): boolean => key !== null && Buffer.from(key).toString() === symbol
    // The candle of the day counts every tick of its symbol.
    const told = (live.get(partition) ?? []).filter(ofSymbol).flatMap((record) => {
      const said = codecs.decodeLive(record)
      const isOfDay = said !== undefined && 'candle' in said && said.candle.interval === daySeconds
      return isOfDay ? [{ at: record.appendTime, trades: said.candle.trades }] : []
    })
    let [next, longest] = [0, 0]
    for (const [i, { appendTime }] of (ticks.get(partition) ?? []).filter(ofSymbol).entries()) {
      while (next < told.length && (told[next]?.trades ?? 0) <= i) next += 1
      const toldAt = told[next]?.at ?? Number.POSITIVE_INFINITY
      if (toldAt > visibleAt) longest = Math.max(longest, toldAt - Math.max(appendTime, visibleAt))
    }
    return longest
  })
  return Math.max(...waits)
}

/** Longest pause between two updates of an engine, from `from` on, while more was to be said: by the broker's clock. */
async function longestPauseMs({ broker, topics, members }: Deployment, from: number): Promise<number> {
  const live = await wholeTopic(broker, topics.candlesLive)
  const pauses = engineNames.map((name) => {
    const assigned = [...members[name].said().matchAll(/partitions assigned {2}partitions=(\[[\d,]*\])/g)].at(-1)?.[1]
    const partitions = JSON.parse(assigned ?? '[]') as number[]
    const times = partitions
      .flatMap((partition) => (live.get(partition) ?? []).map(({ appendTime }) => appendTime))
      .filter((at) => at > from)
      .sort((a, b) => a - b)
    // One that said nothing has paused all the time.
    if (times.length === 0) return Number.POSITIVE_INFINITY
    return times.reduce((longest, at, i) => Math.max(longest, at - (times[i - 1] ?? from)), 0)
  })
  return Math.max(...pauses)
}

/** Symbols that tick all the time, one a partition: how long nothing is said of them. */
async function newSymbols(platform: Platform): Promise<boolean> {
  const deployment = await startDeployment(platform, { isDirect: true })
  const steady = symbolsOfPartitions(deployment.partitions)
  let isOver = false
  const feeding = (async () => {
    while (!isOver) {
      await deployment.send(steady.map((symbol) => tickRecord(deployment, symbol, Date.now())))
      await sleep(steadyEveryMs)
    }
  })()
  try {
    // Engines that have been running: each has seen ticks of many symbols.
    const old = Array.from({ length: oldSymbols }, (_, i) => `OLD-${i}`)
    for (let round = 0; round < oldRounds; round++) await sendAll(deployment, old, Date.now())
    await msUntilCommitted(deployment, doneMsMax)
    const symbols = Array.from({ length: symbolCount }, (_, i) => `NEW-${i}`)
    // In one transaction, so that all of them can be read at the same instant.
    const producer = await deployment.broker.createTransactionalProducer(`storm-${randomUUID()}`)
    // Early in a minute: the finals at its end are the other storm.
    while (Date.now() % minuteMs > earlyMs) await sleep(100)
    const records = symbols.map((symbol) => tickRecord(deployment, symbol, Date.now()))
    await producer.send([{ topic: deployment.topics.ticks, records }])
    const visibleAt = Date.now()
    await producer.close()
    await sleep(visibleMs)
    await msUntilCommitted(deployment, doneMsMax, lookEveryMs)
    const committedMs = Date.now() - visibleAt
    await sleep(10_000)
    isOver = true
    await feeding
    await sleep(settleMs)
    const pause = await longestPauseMs(deployment, visibleAt)
    const wait = await longestWaitMs(deployment, steady, visibleAt)
    console.log(
      `${symbolCount} new symbols at one instant: committed after ${Math.round(committedMs)} ms, ` +
        `longest pause of an engine's updates ${pause} ms (asked: ${stallMsMax}), longest wait of a tick of another symbol for its candle ${wait} ms, engines at most ${enginesMb(deployment)} MB, ${crashesOf(deployment)} crashes`,
    )
    // A tick that was never told is a stall without an end.
    return pause <= stallMsMax && Number.isFinite(wait) && crashesOf(deployment) === 0
  } finally {
    isOver = true
    await feeding
    await deployment.close()
  }
}

/** When the first final came to `candles.live`, and the last of each interval, in ms since `from` by the broker's clock. */
async function finalsOutMs(
  { broker, topics, codecs }: Deployment,
  from: number,
  symbols: number,
): Promise<{ readonly firstMs: number; readonly lastMs: ReadonlyMap<number, number> }> {
  let firstMs = Number.POSITIVE_INFINITY
  const told = new Map<number, Set<string>>()
  const lastAt = new Map<number, number>()
  const ranges = await broker.admin.offsets(topics.candlesLive)
  await readThrough({
    broker,
    topic: topics.candlesLive,
    spans: new Map([...ranges].map(([partition, { earliest, latest }]) => [partition, { from: earliest, to: latest }])),
    async take(_, records) {
      for (const record of records) {
        const said = codecs.decodeLive(record)
        if (said === undefined || 'epoch' in said || said.kind !== 'final' || record.appendTime < from) continue
        const { interval, symbol } = said.candle
        told.set(interval, (told.get(interval) ?? new Set()).add(symbol))
        firstMs = Math.min(firstMs, record.appendTime - from)
        lastAt.set(interval, Math.max(lastAt.get(interval) ?? 0, record.appendTime - from))
      }
    },
  })
  const missing = [...told.values()].some(({ size }) => size !== symbols) || told.size !== intervalsStored
  if (missing)
    throw new Error(`finals are missing: ${[...told].map(([interval, { size }]) => `${size} of ${interval} s`)}`)
  return { firstMs, lastMs: lastAt }
}

/** All symbols close all their windows at one midnight. */
async function midnight(platform: Platform): Promise<boolean> {
  const deployment = await startDeployment(platform, { isDirect: true })
  const { databaseUrl } = deployment
  try {
    const symbols = Array.from({ length: symbolCount }, (_, i) => `DAY-${i}`)
    const day = Math.floor(Date.now() / 86_400_000) * 86_400_000
    await sendAll(deployment, symbols, day - 30_000)
    await msUntilCommitted(deployment, doneMsMax)
    await sleep(3_000)
    const lsn = async (): Promise<string> => String((await asAdmin(databaseUrl, 'SELECT pg_current_wal_lsn()'))[0]?.[0])
    const before = await lsn()
    await asAdmin(databaseUrl, 'ALTER SYSTEM SET log_min_duration_statement = 0', 'SELECT pg_reload_conf()')
    const cpuBefore = cpuSeconds(deployment)
    const started = Date.now()
    await sendAll(deployment, symbols, day + 1_000)
    const sentMs = Date.now() - started
    await msUntilCommitted(deployment, doneMsMax, lookEveryMs)
    await untilQuiet(deployment)
    const cpu = cpuSeconds(deployment)
    await asAdmin(databaseUrl, 'ALTER SYSTEM RESET log_min_duration_statement', 'SELECT pg_reload_conf()')
    const [wal] = await asAdmin(databaseUrl, `SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '${before}')`)
    const commits = [
      ...platform.databaseSaid().matchAll(/duration: ([\d.]+) ms {2}statement: COPY (?:candles|redwick_stage)/g),
    ]
      .map(([, ms]) => Number(ms))
      .sort((a, b) => a - b)
    const p99 = commits[Math.ceil(commits.length * 0.99) - 1] ?? Number.NaN
    const { firstMs, lastMs } = await finalsOutMs(deployment, started, symbolCount)
    const allMs = Math.max(...lastMs.values())
    console.log(
      `${symbolCount} symbols across 00:00 UTC, ticks of the new day sent within ${sentMs} ms: ${symbolCount * intervalsStored} finals, ` +
        `the first out after ${firstMs} ms, all of 1m after ${lastMs.get(60)}, all after ${allMs} ms (asked: ${finalsMsMax}); ` +
        `${commits.length} commits, p99 ${Math.round(p99)} ms, ${Math.round(Number(wal?.[0]) / 1e6)} MB of WAL; ` +
        `engines at most ${enginesMb(deployment)} MB, ${crashesOf(deployment)} crashes; ` +
        `processor seconds: ${[...cpu].map(([name, s]) => `${name} ${(s - (cpuBefore.get(name) ?? 0)).toFixed(1)}`).join(', ')}`,
    )
    return allMs <= finalsMsMax && crashesOf(deployment) === 0
  } finally {
    await deployment.close()
  }
}

const storms = { new: newSymbols, midnight }
const isStorm = (name: string): name is keyof typeof storms => Object.hasOwn(storms, name)

const { only } = values
if (only !== undefined && !isStorm(only)) usage(`--only takes ${Object.keys(storms).join(', ')}; was ${only}`)

await onPlatform({ isDiskSmall: false }, async (platform) => {
  let isWell = true
  for (const [name, storm] of Object.entries(storms))
    if (only === undefined || only === name) isWell = (await storm(platform)) && isWell
  console.log(isWell ? 'all within what is asked' : 'NOT all within what is asked')
  return isWell
})
