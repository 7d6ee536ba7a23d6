import { isDeepStrictEqual } from 'node:util'
import type { HistorySegment } from '../../schemas/history.ts'
import { createMemorySnapshot } from '../../sinks/snapshot/memory-snapshot.ts'
import type { Codecs } from '../../topology/codecs.ts'
import { createMemoryDatabase } from '../memory-store.ts'
import { asOracle, oracleOfLog } from '../oracle.ts'
import { createConditions } from './conditions.ts'
import { partitionCount } from './faults.ts'
import { type Fixtures, topics } from './fixtures.ts'
import type { Mutant } from './mutants.ts'
import { createReference, keyOf, type Reference } from './reference.ts'
import { lastMsOf, randomOf, type Script, start } from './script.ts'
import { createSimCluster, type SimCluster } from './sim-cluster.ts'
import { createSimNodes } from './sim-nodes.ts'
import { createSimStoreServer } from './sim-store.ts'
import { simulated, simulatedIntervals } from './sim-topology.ts'
import { scheduleFaults } from './timeline.ts'
import { watchTopics } from './topic-watch.ts'
import { createVirtualTime } from './virtual-time.ts'
import { createWatch } from './watch.ts'

/** Virtual time that a world has, after its last record and its last fault, until everything is committed. */
const settleMsMax = 180_000
const stopMsMax = 60_000
const outOfRange = 'OFFSET_OUT_OF_RANGE'
/** Told of one world: what follows the first one mostly follows from it. */
const violationsMax = 5
const traceLinesMax = 4000

export interface SimulationResult {
  readonly commits: number
  readonly crashes: number
  readonly violations: readonly string[]
  /** What happened, each with its ms from the start. */
  readonly trace: readonly string[]
}

function decodeHistory({ historyDecoder }: Codecs, value: Uint8Array | null): HistorySegment | string {
  const decoded = historyDecoder.decode(value)
  if (decoded.status === 'value') return decoded.value
  return decoded.status === 'bad' ? decoded.detail : 'its schema is not known'
}

function createReferences(cluster: SimCluster, fixtures: Fixtures): Promise<Reference[]> {
  return Promise.all(
    Array.from({ length: partitionCount }, (_, partition) =>
      createReference({
        ...{ ...fixtures, topology: simulated, partition, partitions: partitionCount },
        ticks: cluster.partition(topics.ticks, partition),
        history: cluster.partition(topics.history, partition),
        decodeHistory: (value) => decodeHistory(fixtures.codecs, value),
      }),
    ),
  )
}

/** Runs the real engine, some processes of it, in a made-up world, and looks at everything that becomes visible. */
export async function simulate(script: Script, fixtures: Fixtures, mutant?: Mutant): Promise<SimulationResult> {
  const { seed, faults, appended, nodes: count } = script
  const time = createVirtualTime(start)
  const violations: string[] = []
  const trace: string[] = []
  const tell = (what: string): void => {
    if (trace.length < traceLinesMax) trace.push(`${String(time.now() - start).padStart(7)} ${what}`)
  }
  const violation = (what: string): void => {
    tell(`VIOLATION ${what}`)
    if (violations.length < violationsMax) violations.push(what)
  }

  const cluster = createSimCluster(time, mutant !== 'unfenced-publish')
  for (const topic of Object.values(topics)) cluster.createTopic(topic, partitionCount)
  const database = createMemoryDatabase()
  const references = await createReferences(cluster, fixtures)
  const { codecs } = fixtures
  const topicWatch = watchTopics(cluster, topics, { codecs, table: database.table, violation })
  const watch = createWatch({ database, references, topicWatch, violation })
  let commits = 0
  const server = createSimStoreServer((commit) => {
    commits += 1
    tell(`committed ${commit.partitions.map((part) => `${part.partition}@${part.nextOffset}`).join(' ')}`)
    watch.committed(commit)
  })
  const random = randomOf(seed, 'draws')
  const conditions = createConditions(faults, random)
  const world = { time, cluster, conditions, database, server, mutant, random, tell, violation, topics }
  const snapshot = createMemorySnapshot()
  /** What is committed of a partition is not where its log goes on. */
  const isLost = (partition: number): boolean => {
    const { earliest, latest } = cluster.partition(topics.ticks, partition).range
    const { nextOffset } = database.checkpoint(simulated.name, partition)
    return nextOffset < earliest || nextOffset > latest
  }
  const isCut = faults.some(({ kind }) => kind === 'cut')
  const mayEnd = (code: string): boolean => code === 'CHECKPOINT_REFUSED' || (isCut && code === outOfRange)
  const nodes = createSimNodes({ ...world, ...fixtures, topology: simulated, snapshot, count, faults, mayEnd })
  for (const { atMs, topic, records } of appended)
    time.at(start + atMs, () => void cluster.append(topics[topic], records))
  scheduleFaults(faults, { time, conditions, nodes, cluster, tell })

  const isBroken = (): boolean => violations.length > 0
  const behind = (): readonly string[] =>
    references.flatMap((_, partition) => {
      const { latest } = cluster.partition(topics.ticks, partition).range
      const committed = nodes.committed(partition)
      return committed >= latest ? [] : [`partition ${partition} at ${committed} of ${latest}`]
    })
  const until = (isDone: () => boolean, ms: number): Promise<boolean> =>
    time.runUntil(() => isBroken() || isDone(), time.now() + ms)
  await until(() => false, lastMsOf(script))
  // Whoever is given a partition whose records are lost ends, and with it what it does for others.
  const isToldLost = (): boolean => nodes.ends.has(outOfRange)
  const lost = (): readonly number[] => [...references.keys()].filter(isLost)
  const isDone = (): boolean => behind().length === 0 && lost().length === 0 && watch.untold().length === 0
  if (!(await until(() => isToldLost() || isDone(), settleMsMax)))
    violation(
      lost().length > 0
        ? `nobody says that records are lost: ${lost()}`
        : `it stands still: ${behind()} ${watch.untold()}`,
    )
  if (isToldLost()) return { commits, crashes: nodes.crashes, violations, trace }
  let hasStopped = false
  nodes.stop().then(
    () => {
      hasStopped = true
    },
    (error: unknown) => violation(`a stop failed: ${String(error)}`),
  )
  if (!(await until(() => hasStopped, stopMsMax))) violation('a stop does not end')
  if (!isBroken()) {
    watch.ended()
    compareWithOracle()
  }
  return { commits, crashes: nodes.crashes, violations, trace }

  /** The sums of what was used, by brute force. */
  function compareWithOracle(): void {
    const expected = new Map(
      references.flatMap(({ entries }) => oracleOfLog(entries, simulatedIntervals)).map((row) => [keyOf(row), row]),
    )
    // With its tail a log lost the ends of its lines: what is open there stays open.
    const isCut = faults.some((fault) => fault.kind === 'cut' && fault.end === 'tail')
    // Without a tick a symbol has no line, and no time: a roll-up that history covers in part waits for it.
    const timed = new Set(
      references.flatMap(({ entries }) => entries.flatMap((one) => ('tick' in one ? one.tick.symbol : []))),
    )
    for (const [key, { symbol, interval }] of isCut ? [] : expected)
      if (!database.table.has(key) && (timed.has(symbol) || interval === simulatedIntervals[0]))
        violation(`${key} is missing, by brute force it is there`)
    for (const [key, row] of database.table) {
      const oracle = expected.get(key)
      if (row.trades === 0 && oracle === undefined) continue
      const [{ vwap: _ours, ...got }, { vwap: _theirs, ...wanted }] = [asOracle(row), oracle ?? { vwap: 0 }]
      if (!isDeepStrictEqual(got, wanted))
        violation(`${key}: ${JSON.stringify(got)}, by brute force ${JSON.stringify(wanted)}`)
    }
  }
}
