import { createRandom } from '../../topology/random.ts'
import { drawFaults, type Fault, partitionCount } from './faults.ts'
import { type Fixtures, topics } from './fixtures.ts'
import { type Appended, drawWorkload } from './workload.ts'

/** Epoch ms at which every world begins. */
export const start = Date.UTC(2026, 0, 15, 12)

const nodesMin = 2

/** All that a world is told. The same script gives the same run; a part of it is a script too. */
export interface Script {
  /** What is drawn as it goes: ways through the network, sizes of fetches. */
  readonly seed: number
  /** Machines, each with one process of the engine that is started again when it is gone. */
  readonly nodes: number
  readonly faults: readonly Fault[]
  readonly appended: readonly Appended[]
}

/** A sequence of its own for each purpose, so that one does not move the others. In [0, 1). */
export function randomOf(seed: number, purpose: string): () => number {
  let hash = Math.imul(seed + 1, 0x9e37_79b1)
  for (const character of purpose) hash = Math.imul(hash ^ character.charCodeAt(0), 0x0100_0193)
  return createRandom(hash)
}

export function scriptOf(seed: number, { codecs }: Fixtures): Script {
  const appended = drawWorkload({
    random: randomOf(seed, 'workload'),
    codecs,
    topics,
    partitions: partitionCount,
    start,
  })
  const random = randomOf(seed, 'faults')
  const nodes = nodesMin + Math.floor(random() * 2)
  return { seed, nodes, appended, faults: drawFaults(random, nodes, appended.at(-1)?.atMs ?? 0) }
}

/** Ms from the start at which nothing more happens by itself. */
export function lastMsOf({ faults, appended }: Script): number {
  const ends = faults.map((fault) => ('atMs' in fault ? fault.atMs + ('forMs' in fault ? fault.forMs : 0) : 0))
  return Math.max(appended.at(-1)?.atMs ?? 0, ...ends)
}
