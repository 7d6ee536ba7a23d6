import type { CommitFate, Fault, SendFate, StoreTrouble } from './faults.ts'

/** How things stand around the processes at the moment. */
export interface Conditions {
  store: 'up' | StoreTrouble
  isBrokerUp: boolean
  isSnapshotUp: boolean
  /** Ms by which the clock of each node is wrong. */
  readonly clockShifts: Map<number, number>
  /** Of the next commit. */
  commitFate(): CommitFate
  /** Whether the next send is lost: before it arrives, or its acknowledgement. */
  sendFate(): 'ok' | SendFate
  /** Ms of one way through the network. */
  latencyMs(): number
  /** Whole number below `count`. */
  draw(count: number): number
}

/** @param draws In [0, 1). */
export function createConditions(faults: readonly Fault[], draws: () => number): Conditions {
  let commits = 0
  let sends = 0
  const draw = (count: number): number => Math.floor(draws() * count)
  return {
    store: 'up',
    isBrokerUp: true,
    isSnapshotUp: true,
    clockShifts: new Map(),
    commitFate() {
      commits += 1
      const fault = faults.find((one) => one.kind === 'commit' && one.count === commits)
      return fault?.kind === 'commit' ? fault.fate : 'ok'
    },
    sendFate() {
      sends += 1
      const fault = faults.find((one) => one.kind === 'send' && one.count === sends)
      return fault?.kind === 'send' ? fault.fate : 'ok'
    },
    latencyMs: () => 1 + draw(draw(10) === 0 ? 60 : 5),
    draw,
  }
}
