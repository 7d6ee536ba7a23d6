import type { Clock } from '../../ports/clock.ts'
import { inTime } from '../../ports/in-time.ts'
import { FencedError } from '../../schemas/errors.ts'
import type { GroupMember } from './group-member.ts'

/** How long a member may take to give partitions up, or to say where to start, before the group goes on without it. */
const rebalanceMsMax = 60_000

/** The members of one group: every partition of a topic has one owner, and changes hands eagerly. */
export interface ConsumerGroup {
  readonly generation: number
  join(member: GroupMember): Promise<void>
  leave(member: GroupMember): Promise<void>
  readonly size: number
}

export function createConsumerGroup(groupId: string, clock: Clock): ConsumerGroup {
  const members: GroupMember[] = []
  let generation = 0
  let tail: Promise<void> = Promise.resolve()
  let waiting = false

  /** One rebalance at a time; those that were asked for meanwhile become one. */
  function rebalance(): Promise<void> {
    if (waiting) return tail
    waiting = true
    tail = tail.then(async () => {
      await Promise.resolve()
      waiting = false
      await Promise.all(members.map(takeAll))
      generation += 1
      dropEnded()
      const shares = shareOut(members)
      for (const [member, partitions] of shares) member.give(partitions)
    })
    return tail
  }

  async function takeAll(member: GroupMember): Promise<void> {
    if (!(await inTime(clock, rebalanceMsMax, member.takeAll()))) member.fail(expelled(groupId))
  }

  function dropEnded(): void {
    for (const member of members.filter(({ ended }) => ended)) drop(member)
  }

  function drop(member: GroupMember): void {
    const at = members.indexOf(member)
    if (at >= 0) members.splice(at, 1)
  }

  return {
    get generation() {
      return generation
    },
    get size() {
      return members.length
    },
    join(member) {
      members.push(member)
      return rebalance()
    },
    leave(member) {
      drop(member)
      return rebalance()
    },
  }
}

/** Round robin of each topic's partitions over the members that subscribe to it. */
function shareOut(members: readonly GroupMember[]): Map<GroupMember, number[]> {
  const shares = new Map(members.map((member): [GroupMember, number[]] => [member, []]))
  for (const log of new Set(members.map((member) => member.log))) {
    const readers = members.filter((member) => member.log === log)
    for (let partition = 0; partition < log.partitions.length; partition++) {
      const reader = readers[partition % readers.length]
      if (reader !== undefined) shares.get(reader)?.push(partition)
    }
  }
  return shares
}

function expelled(groupId: string): FencedError {
  return new FencedError({
    code: 'GROUP_MEMBER_EXPELLED',
    message: `group '${groupId}' went on without this member: it took longer than ${rebalanceMsMax} ms to rebalance`,
  })
}
