import { runEngine } from './engine-run.ts'
import { onStage, passMeasures } from './kafka-stage.ts'
import type { BenchOptions, BenchOutcome } from './outcome.ts'
import { kafkajsLoop } from './peer.ts'
import { runPeer } from './peer-run.ts'
import { comparison, type Turn } from './turns.ts'

/**
 * `peers`: our engine (Kafka to PostgreSQL, exactly once) through kafkajs and the peers' kafkajs loop (Kafka to a topic, no guarantees)
 * over the same ticks, in turns, on one broker and one Node.
 */
export async function peers(options: BenchOptions): Promise<BenchOutcome> {
  const loop = kafkajsLoop()
  return onStage(options, true, async (stage) => {
    const turns: Turn[] = []
    for (let turn = -1; turn < options.runs; turn++) {
      options.tell(turn < 0 ? 'peers: warm-up' : `peers: turn ${turn + 1} of ${options.runs}`)
      const first = await runEngine(stage, 'kafkajs')
      const theirs = [await runPeer(stage, loop, options.partitions)]
      if (turn < 0) continue
      theirs.push(await runPeer(stage, loop, options.partitions))
      turns.push({ ours: [first, await runEngine(stage, 'kafkajs')], theirs })
    }
    return {
      bench: 'peers',
      runs: options.runs,
      measures: {
        ...comparison(turns, options.allowNoise),
        ticks: stage.backlog.ticks,
        partitions: options.partitions,
      },
      cases: {
        redwick: passMeasures(turns.flatMap((turn) => turn.ours)),
        'kafkajs loop': passMeasures(turns.flatMap((turn) => turn.theirs)),
      },
    }
  })
}
