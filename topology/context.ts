import type { Registry } from 'prom-client'
import type { Log } from '../ports/logger.ts'
import type { Config } from './config.ts'
import type { Opened } from './engine-factory.ts'
import type { FeedOptions } from './feed-options.ts'
import type { WorkerSetup } from './worker-messages.ts'

export const roles = ['all', 'feed', 'engine', 'gateway'] as const
export type Role = (typeof roles)[number]

export interface RunOptions {
  readonly config: Config
  readonly role: Role
  readonly workers: number
  readonly feed: FeedOptions
  /** Ends when the feed has ended and everything is committed. */
  readonly untilEnd: boolean
  readonly log: Log
  /** How worker threads log. */
  readonly logging: Pick<WorkerSetup, 'level' | 'isJson'>
  /** Aborted: stop, in the order that loses nothing. */
  readonly signal: AbortSignal
}

/** What the roles of one process share. */
export interface Context extends Opened {
  readonly options: RunOptions
  readonly partitions: number
  readonly registers: Registry
}
