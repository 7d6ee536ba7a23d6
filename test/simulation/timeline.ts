import type { Conditions } from './conditions.ts'
import type { Fault } from './faults.ts'
import { topics } from './fixtures.ts'
import { start } from './script.ts'
import type { SimCluster, SimPartition } from './sim-cluster.ts'
import type { SimNodes } from './sim-nodes.ts'
import type { VirtualTime } from './virtual-time.ts'

export interface TimelineOptions {
  readonly time: VirtualTime
  readonly conditions: Conditions
  readonly nodes: SimNodes
  readonly cluster: SimCluster
  tell(what: string): void
}

/** A fault that has a time. */
type Timed = Extract<Fault, { readonly atMs: number }>

function cutRange({ range: { earliest, latest } }: SimPartition, { end, records }: Extract<Fault, { kind: 'cut' }>) {
  return end === 'head'
    ? { earliest: Math.max(earliest, latest - records), latest }
    : { earliest, latest: Math.max(earliest, latest - records) }
}

/** Lets the faults that have a time happen. Those that wait for a count are asked for where they count. */
export function scheduleFaults(
  faults: readonly Fault[],
  { time, conditions, nodes, cluster, tell }: TimelineOptions,
): void {
  const begin = (fault: Timed): (() => void) | undefined => {
    switch (fault.kind) {
      case 'kill':
        nodes.kill(fault.node, fault.downMs)
        return undefined
      case 'leave':
        nodes.leave(fault.node, fault.downMs)
        return undefined
      case 'freeze':
        return nodes.freeze(fault.node)
      case 'store':
        conditions.store = fault.how
        return () => {
          conditions.store = 'up'
        }
      case 'broker':
        conditions.isBrokerUp = false
        return () => {
          conditions.isBrokerUp = true
        }
      case 'snapshot':
        conditions.isSnapshotUp = false
        return () => {
          conditions.isSnapshotUp = true
        }
      case 'cut':
        cluster.cut(topics.ticks, fault.partition, cutRange(cluster.partition(topics.ticks, fault.partition), fault))
        return undefined
      case 'clock':
        conditions.clockShifts.set(fault.node, fault.byMs)
        return undefined
    }
  }
  for (const fault of faults) {
    if (!('atMs' in fault)) continue
    time.at(start + fault.atMs, () => {
      tell(`begins: ${JSON.stringify(fault)}`)
      const end = begin(fault)
      if (end === undefined || !('forMs' in fault)) return
      time.at(time.now() + fault.forMs, () => {
        tell(`ends: ${JSON.stringify(fault)}`)
        end()
      })
    })
  }
}
