import type { VirtualTime } from './virtual-time.ts'

/** A member that is silent for so long is dead. */
const sessionMs = 6000
/** Members have so long to join again when the group rebalances. */
const rebalanceMs = 10_000
/** A rebalance waits so long for others that come. */
const joinDelayMs = 50

export interface SimAssignment {
  readonly generation: number
  readonly partitions: readonly number[]
}

/** The coordinator of a consumer group: eager rebalancing, sessions, round robin. */
export interface SimGroup {
  /** Waits until the group is formed anew. */
  join(member: string, partitions: number): Promise<SimAssignment>
  /** @returns `unknown` where the group went on without the member. */
  heartbeat(member: string, generation: number): 'ok' | 'rebalance' | 'unknown'
  leave(member: string): void
  /** A number that no member had before. */
  nextMember(): number
  readonly generation: number
}

interface Member {
  lastSeen: number
  /** It waits for the next generation. */
  joined: ((assignment: SimAssignment) => void) | undefined
}

export function createSimGroup(time: VirtualTime): SimGroup {
  const members = new Map<string, Member>()
  let [generation, born] = [0, 0]
  let partitionCount = 0
  let rebalance: { isForming: boolean } | undefined

  const complete = (): void => {
    rebalance = undefined
    for (const [id, { joined }] of members) if (joined === undefined) members.delete(id)
    generation += 1
    const ids = [...members.keys()].sort()
    for (const [i, id] of ids.entries()) {
      const member = members.get(id)
      if (member?.joined === undefined) continue
      const partitions = Array.from({ length: partitionCount }, (_, p) => p).filter((p) => p % ids.length === i)
      member.lastSeen = time.now()
      member.joined({ generation, partitions })
      member.joined = undefined
    }
  }
  const completeWhenAll = (): void => {
    const current = rebalance
    if (current === undefined || current.isForming) return
    if ([...members.values()].some(({ joined }) => joined === undefined)) return
    current.isForming = true
    time.at(time.now() + joinDelayMs, () => {
      if (rebalance === current) complete()
    })
  }
  const begin = (): void => {
    if (rebalance === undefined) {
      const current = { isForming: false }
      rebalance = current
      time.at(time.now() + rebalanceMs, () => {
        if (rebalance === current) complete()
      })
    }
    completeWhenAll()
  }
  const look = (): void => {
    for (const [id, { joined, lastSeen }] of members)
      if (joined === undefined && time.now() - lastSeen > sessionMs) {
        members.delete(id)
        begin()
      }
    time.at(time.now() + 500, look)
  }
  look()

  return {
    nextMember: () => born++,
    get generation() {
      return generation
    },
    join(id, partitions) {
      partitionCount = partitions
      return new Promise((joined) => {
        members.set(id, { lastSeen: time.now(), joined })
        begin()
      })
    },
    heartbeat(id, of) {
      const member = members.get(id)
      if (member === undefined || (of !== generation && rebalance === undefined)) return 'unknown'
      member.lastSeen = time.now()
      return rebalance === undefined ? 'ok' : 'rebalance'
    },
    leave(id) {
      if (members.delete(id)) begin()
    },
  }
}
