export interface TopicNames {
  readonly ticks: string
  readonly history: string
  readonly candlesLive: string
  readonly candles: string
  readonly deadLetters: string
}

/** Names of Redwick's topics, each behind `prefix` (several platforms on one broker). */
export function topicNames(prefix = ''): TopicNames {
  return {
    ticks: `${prefix}ticks`,
    history: `${prefix}ticks.history`,
    candlesLive: `${prefix}candles.live`,
    candles: `${prefix}candles`,
    deadLetters: `${prefix}ticks.dead-letters`,
  }
}
