import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Pass, runEngine } from './engine-run.ts'
import { onStage, passMeasures, type Stage } from './kafka-stage.ts'
import type { BenchOptions, BenchOutcome, Suite } from './outcome.ts'
import { flink, type Guarantee, kafkaStreams, type Peer } from './peer.ts'
import { runPeer } from './peer-run.ts'
import { comparison } from './turns.ts'

/** Of fewer, a JVM has seen too little of what it does when they are over. */
const ticksDefault = 10_000_000

/** Of one turn, in the order of the peers. */
interface EnginesTurn {
  readonly ours: readonly Pass[]
  readonly theirs: readonly (readonly Pass[])[]
}

/** Ours, each of theirs, each again the other way round, ours. */
async function turnOf(stage: Stage, peers: readonly Peer[], partitions: number): Promise<EnginesTurn> {
  const run = (peer: Peer): Promise<Pass> => runPeer(stage, peer, partitions)
  const first = await runEngine(stage, 'fast', 'minutes')
  const there: Pass[] = []
  for (const peer of peers) there.push(await run(peer))
  const back: Pass[] = []
  for (const peer of peers.toReversed()) back.unshift(await run(peer))
  const last = await runEngine(stage, 'fast', 'minutes')
  return { ours: [first, last], theirs: peers.map((_, i) => [there[i], back[i]].filter((pass) => pass !== undefined)) }
}

/**
 * `engines`, `engines-exactly-once`: one-minute candles of a backlog by our engine (Kafka to PostgreSQL and a topic, exactly once),
 * by Flink and by Kafka Streams (to a topic), in turns, on one broker.
 */
export function enginesOf(guarantee: Guarantee, bench: string): Suite {
  return async (options: BenchOptions): Promise<BenchOutcome> => {
    const dir = await mkdtemp(join(tmpdir(), 'redwick-peers-'))
    try {
      const peers = [await flink(guarantee, dir), await kafkaStreams(guarantee, dir)]
      return await onStage({ ...options, ticks: options.ticks ?? ticksDefault }, true, async (stage) => {
        const turns: EnginesTurn[] = []
        const all: Pass[] = []
        for (let turn = -1; turn < options.runs; turn++) {
          options.tell(turn < 0 ? `${bench}: warm-up` : `${bench}: turn ${turn + 1} of ${options.runs}`)
          const made = await turnOf(stage, peers, options.partitions)
          if (turn < 0) continue
          turns.push(made)
          all.push(await runEngine(stage, 'fast', 'all'))
        }
        const ofPeer = (i: number) => turns.map(({ ours, theirs }) => ({ ours, theirs: theirs[i] ?? [] }))
        return {
          bench,
          runs: options.runs,
          measures: { ticks: stage.backlog.ticks, partitions: options.partitions },
          cases: {
            redwick: passMeasures(turns.flatMap(({ ours }) => ours)),
            'redwick, all intervals': passMeasures(all),
            ...Object.fromEntries(
              peers.map(({ name }, i) => [
                name,
                {
                  ...comparison(ofPeer(i), options.allowNoise),
                  ...passMeasures(ofPeer(i).flatMap(({ theirs }) => theirs)),
                },
              ]),
            ),
          },
        }
      })
    } finally {
      await rm(dir, { recursive: true, force: true })
    }
  }
}
