import { exitCodes, FatalError } from '../../schemas/errors.ts'
import type { StageSource } from './declaration.ts'

/**
 * How many partitions an internal topic is made with.
 *
 * @param inputs Of each stage that writes to it: the topic that it reads, and its partitions.
 * @throws {FatalError} `PARTITION_COUNTS`, naming both, where they differ and no count was given.
 */
export function internalPartitions(
  { topic: id, partitions }: Extract<StageSource, { kind: 'internal' }>,
  inputs: readonly (readonly [topic: string, partitions: number])[],
): number {
  if (partitions !== undefined) return partitions
  const [first, ...others] = inputs
  const [topic, count] = first ?? ['', 1]
  for (const [other, otherCount] of others) {
    if (otherCount === count) continue
    throw new FatalError({
      code: 'PARTITION_COUNTS',
      message: `${id} brings together ${topic} with ${count} partitions and ${other} with ${otherCount}`,
      why: 'streams that come together have equal partition counts, unless they are given a count of their own',
      hint: `give ${id} \`partitions\`, or make the topics equal`,
      exitCode: exitCodes.config,
    })
  }
  return count
}
