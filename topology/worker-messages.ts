import type { LogLevel } from '../ports/logger.ts'
import type { Conservation } from '../processors/core/effects.ts'
import type { DeadLetterReason } from '../schemas/dead-letter.ts'
import type { ErrorDetails } from '../schemas/errors.ts'
import type { Config } from './config.ts'

export interface WorkerSetup {
  readonly config: Config
  readonly level: LogLevel
  readonly isJson: boolean
}

export type ToWorker = { readonly kind: 'stop' } | { readonly kind: 'checkpoint'; readonly request: number }

export type FromWorker =
  | { readonly kind: 'started' | 'stopped' }
  | { readonly kind: 'checkpointed'; readonly request: number }
  | { readonly kind: 'alarm'; readonly name: string }
  | { readonly kind: 'paused'; readonly change: number }
  | { readonly kind: 'recovered' }
  | { readonly kind: 'took'; readonly seconds: number }
  | { readonly kind: 'failed'; readonly error: ErrorDetails }
  | {
      readonly kind: 'positions'
      readonly committed: ReadonlyMap<number, number>
      readonly processed: ReadonlyMap<number, number>
      readonly assigned: ReadonlySet<number>
      readonly standing: ReadonlySet<number>
    }
  | {
      readonly kind: 'counted'
      readonly partition: number
      readonly nextOffset: number
      readonly counts: Conservation
      readonly finals: number
      readonly reasons: readonly DeadLetterReason[]
    }
