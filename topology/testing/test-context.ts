import { createByteReader } from '../../processors/core/byte-buffer.ts'
import { createConservation, type RecordRefusal, type Refusal } from '../../processors/core/effects.ts'
import type { PartitionContext } from '../../processors/core/stream-element.ts'
import { createSymbolIndex } from '../../processors/core/symbol-index.ts'
import { Interner } from '../../schemas/interner.ts'
import type { TestBarrier } from './elements.ts'

export interface TestContextOptions {
  readonly partition?: number
  readonly partitions?: number
  /** Checkpoints to open from: a full one, then those of changes, in order. */
  readonly restored?: readonly TestBarrier[]
}

/** What an operator did beside its output. */
export interface TestEffects {
  /** In order. */
  readonly refused: readonly RecordRefusal[]
  readonly deadLetters: readonly Refusal[]
  /** Names, in order. */
  readonly alarms: readonly string[]
}

/** What a partition gives its steps first, with effects that are kept in memory. */
export function createTestContext(options: TestContextOptions = {}): {
  readonly context: PartitionContext
  readonly effects: TestEffects
} {
  const { partition = 0, partitions = 1, restored = [] } = options
  const refused: RecordRefusal[] = []
  const deadLetters: Refusal[] = []
  const alarms: string[] = []
  const context: PartitionContext = {
    partition,
    partitions,
    symbols: createSymbolIndex(new Interner()),
    lines: createSymbolIndex(new Interner()),
    watermark: { outOfOrdernessMs: 0, idleAfterMs: 0, futureBoundMs: 0 },
    effects: {
      counts: createConservation(),
      deadLetter: (refusal) => deadLetters.push(refusal),
      skipped: () => undefined,
      refuse: (refusal) => refused.push(refusal),
      takeOutcome: () => undefined,
      alarm: (name) => alarms.push(name),
    },
    restored: (stepId) =>
      restored.flatMap((checkpoint) => {
        const image = checkpoint.images().get(stepId)
        return image === undefined ? [] : [createByteReader(image)]
      }),
  }
  return { context, effects: { refused, deadLetters, alarms } }
}
