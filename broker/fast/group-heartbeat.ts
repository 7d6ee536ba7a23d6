import type { Membership } from '../kafkajs/positioned-consumer.ts'
import { kafkaCode } from '../wire/error-codes.ts'
import { heartbeat, KafkaRefusal } from '../wire/requests.ts'
import { asked, type Cluster } from './cluster.ts'

/** Tells groups that a member is alive, over a connection of its own. */
export interface GroupHeartbeat {
  /** Once. @throws {RedwickError} It was not told, or the group goes on without this member. */
  beat(member: Membership): Promise<void>
  close(): Promise<void>
}

export function createGroupHeartbeat(cluster: Cluster, brokers: readonly string[]): GroupHeartbeat {
  /** The group's, while it says nothing else. */
  let coordinator: number | undefined

  async function tell(member: Membership): Promise<void> {
    try {
      coordinator ??= await cluster.coordinator(member.groupId, 'group')
      await cluster.call(coordinator, 'heartbeat', heartbeat, member)
    } catch (error) {
      // A rebalance is what a member that gives its partitions up is told; it stays a member.
      if (error instanceof KafkaRefusal && error.kafkaCode === kafkaCode.rebalanceInProgress) return
      coordinator = undefined
      throw error
    }
  }

  return {
    beat: (member) => asked(brokers, tell(member)),
    close: () => cluster.close(),
  }
}
