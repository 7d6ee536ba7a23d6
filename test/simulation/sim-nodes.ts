import { messageOf, RedwickError, TransientError } from '../../schemas/errors.ts'
import type { Engine } from '../../topology/engine.ts'
import type { Fault } from './faults.ts'
import { createSimEngine, type SimEngineOptions } from './sim-engine.ts'
import { createSimProcess, type SimProcess } from './sim-process.ts'

const restartMs = 1000

export interface SimNodes {
  kill(node: number, downMs: number): void
  /** SIGSTOP. @returns SIGCONT. */
  freeze(node: number): () => void
  /** A stop that commits what there is; the node starts again after it. */
  leave(node: number, downMs: number): void
  /** Offset up to which a partition is committed and published, as its owner says. */
  committed(partition: number): number
  /** Stops all of them for good. */
  stop(): Promise<void>
  readonly crashes: number
  /** Codes of the errors with which engines ended. */
  readonly ends: ReadonlySet<string>
}

export interface SimNodesOptions extends Omit<SimEngineOptions, 'process' | 'log'> {
  readonly count: number
  readonly faults: readonly Fault[]
  /** Whether an engine may end with this error as things stand. */
  mayEnd(code: string): boolean
  tell(what: string): void
  violation(what: string): void
}

type AtLabel = Extract<Fault, { readonly label: string }>

interface Node {
  readonly process: SimProcess
  readonly engine: Engine
}

export function createSimNodes(options: SimNodesOptions): SimNodes {
  const { time, conditions, faults, mayEnd, tell, violation } = options
  const nodes = new Map<number, Node>()
  /** How often each label was reached, by whomever. */
  const reached = new Map<string, number>()
  const ends = new Set<string>()
  let crashes = 0
  let isOver = false

  const startLater = (n: number, ms: number): void => {
    nodes.delete(n)
    time.at(time.now() + ms, () => start(n))
  }
  const kill = (n: number, downMs: number): void => {
    const node = nodes.get(n)
    if (node === undefined) return
    node.process.kill()
    crashes += 1
    startLater(n, downMs)
  }
  const hits = new Map(faults.flatMap((one) => ('label' in one ? [[`${one.label} ${one.count}`, one] as const] : [])))
  /** @returns What happens at a label that is reached now. */
  const reach = (label: string): AtLabel | undefined => {
    if (hits.size === 0 || isOver) return undefined
    const count = (reached.get(label) ?? 0) + 1
    reached.set(label, count)
    return hits.get(`${label} ${count}`)
  }
  const ended = (n: number, process: SimProcess, error: unknown, isStart: boolean): void => {
    if (process.isDead) return
    const code = error instanceof RedwickError ? error.code : 'ERROR'
    tell(`n${n} ends: ${code} ${messageOf(error)}`)
    ends.add(code)
    // What passes, one that runs waits for; a start may tell of it, and be tried again.
    const mayPass = isStart && error instanceof TransientError
    if (!mayPass && !mayEnd(code)) violation(`an engine ended: ${code}: ${messageOf(error)}`)
    kill(n, restartMs)
  }
  const start = (n: number): void => {
    if (isOver) return
    const process = createSimProcess({
      ...{ name: `n${n}`, time },
      clockShift: () => conditions.clockShifts.get(n) ?? 0,
      onLabel(label) {
        const fault = reach(label)
        if (fault === undefined || nodes.get(n)?.process !== process) return
        tell(`n${n}: ${JSON.stringify(fault)}`)
        if (fault.kind === 'kill at') kill(n, fault.downMs)
        else {
          process.stop()
          time.at(time.now() + fault.forMs, process.go)
        }
      },
    })
    const engine = createSimEngine({ ...options, process, log: (what) => tell(`n${n} ${what}`) })
    nodes.set(n, { process, engine })
    tell(`n${n} starts`)
    engine.failed.catch((error: unknown) => ended(n, process, error, false))
    engine.start().catch((error: unknown) => ended(n, process, error, true))
  }
  for (let n = 0; n < options.count; n++) start(n)

  return {
    kill,
    freeze(n) {
      const process = nodes.get(n)?.process
      process?.stop()
      return () => process?.go()
    },
    leave(n, downMs) {
      const node = nodes.get(n)
      void node?.engine.stop().then(() => {
        if (nodes.get(n) !== node) return
        node.process.kill()
        startLater(n, downMs)
      })
    },
    committed: (partition) =>
      Math.max(...[...nodes.values()].map(({ engine }) => engine.committed().get(partition) ?? 0)),
    async stop() {
      isOver = true
      await Promise.all([...nodes.values()].map(({ engine }) => engine.stop()))
    },
    get crashes() {
      return crashes
    },
    ends,
  }
}
