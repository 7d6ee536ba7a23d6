import { readFeedPosition } from '../feeds/feed-position.ts'
import { createReplayFeed } from '../feeds/replay/replay-feed.ts'
import { createSimulatedFeed } from '../feeds/simulated/simulated-feed.ts'
import { createTickPublisher } from '../feeds/tick-publisher.ts'
import type { Feed, FeedSummary } from '../ports/feed.ts'
import { exitCodes, FatalError, messageOf } from '../schemas/errors.ts'
import { candles } from './candles.ts'
import type { Context } from './context.ts'

function makeReplay({ options, clock, log }: Context): Feed {
  const { replayFile: file, replaySpeed: speed, replayIds: ids } = options.feed
  const { outOfOrdernessMs } = candles.watermark
  if (file === undefined)
    throw new FatalError({
      code: 'USAGE',
      message: '--feed replay needs --replay-file FILE',
      why: 'there is nothing to replay',
      hint: 'npm run topology -- --feed replay --replay-file FILE',
      exitCode: exitCodes.usage,
    })
  return createReplayFeed({ file, speed, ids, clock, outOfOrdernessMs, log })
}

function makeSimulation({ options, clock }: Context): Feed {
  const { feed } = options
  return createSimulatedFeed({
    seed: feed.simSeed,
    startMs: feed.simStart ?? clock.now() - feed.simDurationMs,
    endMs: feed.simSpeed === 1 ? undefined : clock.now(),
    speed: feed.simSpeed,
    ticksPerSecond: feed.simRate,
    duplicates: feed.simDuplicates,
    outOfOrdernessMs: candles.watermark.outOfOrdernessMs,
    clock,
    ...(feed.simSymbols === undefined ? {} : { symbols: feed.simSymbols }),
  })
}

/** The feed that the options name; undefined for none. @throws {FatalError} `USAGE`. */
export function makeFeed(context: Context): Feed | undefined {
  switch (context.options.feed.feed) {
    case 'none':
      return undefined
    case 'replay':
      return makeReplay(context)
    case 'sim':
      return makeSimulation(context)
  }
}

/** Runs a feed from where its line stopped, until it ends or `signal` aborts. */
export async function runFeed(feed: Feed, context: Context, signal: AbortSignal): Promise<FeedSummary> {
  const { broker, topics, partitions, codecs, log } = context
  const producer = await broker.createProducer()
  try {
    const { encodeTick, encodeControl, controlDecoder: decodeControl } = codecs
    const output = createTickPublisher({
      producer,
      topic: topics.ticks,
      partitions,
      encodeTick,
      encodeControl,
      onRetry: (error, attempt, waitMs) =>
        log('warn', 'ticks wait for the broker', { why: messageOf(error), attempt, waitMs }),
    })
    const position = await readFeedPosition({ broker, topic: topics.ticks, line: feed.line, decodeControl })
    log('info', `feed ${feed.name} runs`)
    const summary = await feed.run(output, position, signal)
    log('info', `feed ${feed.name} ended`, { ticks: summary.ticks, refused: summary.refused })
    return summary
  } finally {
    await producer.close()
  }
}
