import type { Conditions } from './conditions.ts'
import type { SimCluster } from './sim-cluster.ts'
import type { SimProcess } from './sim-process.ts'
import type { VirtualTime } from './virtual-time.ts'

/** A process and the world around it. */
export interface SimSurroundings {
  readonly process: SimProcess
  readonly time: VirtualTime
  readonly cluster: SimCluster
  readonly conditions: Conditions
}
