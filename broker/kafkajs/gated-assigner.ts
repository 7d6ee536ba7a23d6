import { type PartitionAssigner, PartitionAssigners } from 'kafkajs'

/** The name that the client looks for to try joining again. */
class HeldBack extends Error {
  readonly type = 'REBALANCE_IN_PROGRESS'
  readonly retriable = true
}

/**
 * Round robin that joins only when `mayJoin` says so: the client has no call before partitions are taken away,
 * but it asks its assigner for its protocol right before it joins, and tries again where that throws.
 */
export function gatedRoundRobin(mayJoin: () => boolean): PartitionAssigner {
  return (config) => {
    const assigner = PartitionAssigners.roundRobin(config)
    return {
      ...assigner,
      protocol(subscription) {
        if (!mayJoin()) throw new HeldBack('the partitions of the last assignment are not given up yet')
        return assigner.protocol(subscription)
      },
    }
  }
}
