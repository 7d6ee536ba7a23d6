import { Base, FindCoordinatorKeyTypes, findCoordinatorV2, heartbeatV3 } from '@platformatic/kafka'
import type { Membership } from '../kafkajs/positioned-consumer.ts'
import { asked, codeOf } from './client-errors.ts'
import { clientOptions } from './client-options.ts'

type Node = Parameters<Base['connections']['get']>[0]

const rebalanceCode = 27

/** Tells groups that a member is alive, over a connection of its own. */
export interface GroupHeartbeat {
  /** Once. @throws {RedwickError} It was not told, or the group goes on without this member. */
  beat(member: Membership): Promise<void>
  close(): Promise<void>
}

export function createGroupHeartbeat(brokers: readonly string[], clientId: string): GroupHeartbeat {
  const base = new Base(clientOptions(brokers, clientId))
  /** The coordinator of the group, while it says nothing else. */
  let coordinator: { readonly groupId: string; readonly nodeId: number } | undefined

  async function nodeOf(groupId: string): Promise<Node> {
    const { brokers: nodes } = await base.metadata({ topics: [] })
    if (coordinator?.groupId !== groupId) {
      const [any] = nodes.values()
      if (any === undefined) throw new Error('the cluster has no broker')
      const connection = await base.connections.get(any)
      const answer = await findCoordinatorV2.api.async(connection, FindCoordinatorKeyTypes.GROUP, [groupId])
      coordinator = { groupId, nodeId: answer.coordinators[0]?.nodeId ?? -1 }
    }
    const node = nodes.get(coordinator.nodeId)
    if (node === undefined) throw new Error(`the cluster does not know its broker ${coordinator.nodeId}`)
    return node
  }

  async function tell({ groupId, groupGenerationId, memberId }: Membership): Promise<void> {
    try {
      const connection = await base.connections.get(await nodeOf(groupId))
      await heartbeatV3.api.async(connection, groupId, groupGenerationId, memberId, null)
    } catch (error) {
      // A rebalance is what a member that gives its partitions up is told; it stays a member.
      if (codeOf(error) === rebalanceCode) return
      coordinator = undefined
      throw error
    }
  }

  return {
    beat: (member) => asked(brokers, tell(member)),
    close: () => base.close(),
  }
}
