import { randomOf } from '../simulation/script.ts'

export const engineNames = ['engine-0', 'engine-1'] as const
export const memberNames = [...engineNames, 'gateway'] as const
export type EngineName = (typeof engineNames)[number]
export type MemberName = (typeof memberNames)[number]

export const wireNames = ['kafka', 'postgres', 'redis'] as const
export type WireName = (typeof wireNames)[number]

/** Places in a process's talk with its services at which it can be killed, or stopped. */
export const labels = [
  ['postgres', 'copy'],
  ['postgres', 'copied'],
  ['postgres', 'copy-done'],
  ['kafka', 'init-producer'],
  ['kafka', 'add-partitions'],
  ['kafka', 'end-transaction'],
  ['kafka', 'produce'],
  ['kafka', 'offset-commit'],
  ['kafka', 'join'],
  ['kafka', 'sync'],
] as const

/** Something that happens to the platform. Times are ms from the start. */
export type Fault =
  | { readonly kind: 'kill'; readonly atMs: number; readonly member: MemberName }
  /** The process is killed where it next comes to the label. */
  | { readonly kind: 'kill at'; readonly atMs: number; readonly member: EngineName; readonly label: number }
  /** SIGSTOP, then SIGCONT. */
  | { readonly kind: 'stop'; readonly atMs: number; readonly member: MemberName; readonly forMs: number }
  /** The same with a commit in flight, which reaches the server when others own its partitions. */
  | { readonly kind: 'zombie'; readonly atMs: number; readonly member: EngineName; readonly forMs: number }
  /** SIGSTOP where the process next comes to the label; what it was about to send arrives when it goes on. */
  | {
      readonly kind: 'stop at'
      readonly atMs: number
      readonly member: EngineName
      readonly label: number
      readonly forMs: number
    }
  /** SIGTERM, and started again. */
  | { readonly kind: 'restart'; readonly atMs: number; readonly member: EngineName }
  /** The next commit is cut off within its rows: after this part of their bytes. */
  | { readonly kind: 'copy cut'; readonly atMs: number; readonly member: EngineName; readonly part: number }
  /** The next commit is cut off before it may go, or its answer is lost. */
  | { readonly kind: 'commit cut' | 'answer lost'; readonly atMs: number; readonly member: EngineName }
  /** It reaches the server so much later. */
  | { readonly kind: 'commit held'; readonly atMs: number; readonly member: EngineName; readonly forMs: number }
  | {
      readonly kind: 'cut' | 'half-open' | 'swallow'
      readonly atMs: number
      readonly member: MemberName
      readonly wire: WireName
    }
  | {
      readonly kind: 'black hole' | 'latency'
      readonly atMs: number
      readonly member: MemberName
      readonly wire: WireName
      readonly forMs: number
    }
  | {
      readonly kind: 'broker' | 'database' | 'snapshot' | 'disk full' | 'read-only'
      readonly atMs: number
      readonly forMs: number
    }
  | { readonly kind: 'flush'; readonly atMs: number }
  /** SIGTERM, and started again from another checkout. Never drawn. */
  | { readonly kind: 'upgrade'; readonly atMs: number; readonly member: EngineName }

export type FaultKind = Fault['kind']

export const faultKinds: readonly FaultKind[] = [
  ...([
    'kill',
    'kill at',
    'stop',
    'stop at',
    'zombie',
    'restart',
    'copy cut',
    'commit cut',
    'answer lost',
    'commit held',
  ] as const),
  ...(['cut', 'half-open', 'swallow', 'black hole', 'latency', 'broker', 'database', 'snapshot'] as const),
  ...(['disk full', 'read-only', 'flush'] as const),
]

/** What each run meets, whatever else is drawn: an answer lost, a zombie and a full disk are what loses candles elsewhere. */
const always: readonly FaultKind[] = [
  'answer lost',
  'answer lost',
  'answer lost',
  'answer lost',
  'zombie',
  'zombie',
  'disk full',
]
/** They wait for a process to come to a point: drawn early, so that it does. */
const pointKinds: readonly FaultKind[] = [
  ...(['kill at', 'stop at', 'zombie', 'copy cut', 'commit cut', 'answer lost', 'commit held'] as const),
]
const earlyPart = 0.75

export const isFaultKind = (name: string): name is FaultKind => (faultKinds as readonly string[]).includes(name)

/** The group forgets a member after this long. */
const sessionMs = 6_000
const latencyMsMax = 400

export const latencyMsOf = (fault: Fault): number => ('forMs' in fault ? 20 + (fault.forMs % latencyMsMax) : 0)

/** One engine after the other, the platform running. */
export const rollingUpgrade = (lastMs: number): readonly Fault[] =>
  engineNames.map((member, i) => ({ kind: 'upgrade', atMs: (lastMs * (i + 1)) / 3, member }))

export interface ScriptOptions {
  readonly seed: number
  readonly faults: number
  /** Ms over which they are spread. */
  readonly lastMs: number
  /** Undefined: all, and some of them always. */
  readonly kinds: readonly FaultKind[] | undefined
}

/** The faults of one run, in the order of their time. */
export function drawScript({ seed, faults, lastMs, kinds }: ScriptOptions): readonly Fault[] {
  const random = randomOf(seed, 'chaos')
  const draw = (count: number): number => Math.floor(random() * count)
  const pick = <T>(list: readonly T[]): T => list[draw(list.length)] as T
  const drawn = Array.from({ length: faults }, (_, i) => {
    const kind = kinds === undefined ? (always[i] ?? pick(faultKinds)) : pick(kinds)
    return drawOne(kind, draw(lastMs * (pointKinds.includes(kind) ? earlyPart : 1)))
  })
  return drawn.sort((a, b) => a.atMs - b.atMs)

  function drawOne(kind: FaultKind, atMs: number): Fault {
    switch (kind) {
      case 'kill':
        return { kind, atMs, member: pick(memberNames) }
      case 'kill at':
        return { kind, atMs, member: pick(engineNames), label: draw(labels.length) }
      case 'stop':
        return { kind, atMs, member: pick(memberNames), forMs: pick([draw(3_000), sessionMs + 1_000 + draw(4_000)]) }
      case 'stop at':
        return {
          kind,
          atMs,
          member: pick(engineNames),
          label: draw(labels.length),
          forMs: sessionMs + 2_000 + draw(4_000),
        }
      case 'zombie':
        return { kind, atMs, member: pick(engineNames), forMs: sessionMs + 2_000 + draw(4_000) }
      case 'restart':
      case 'upgrade':
      case 'commit cut':
      case 'answer lost':
        return { kind, atMs, member: pick(engineNames) }
      case 'copy cut':
        return { kind, atMs, member: pick(engineNames), part: draw(100) / 100 }
      case 'commit held':
        return { kind, atMs, member: pick(engineNames), forMs: 500 + draw(6_000) }
      case 'cut':
      case 'half-open':
      case 'swallow':
        return { kind, atMs, member: pick(memberNames), wire: pick(wireNames) }
      case 'black hole':
      case 'latency':
        return { kind, atMs, member: pick(memberNames), wire: pick(wireNames), forMs: 1_000 + draw(8_000) }
      case 'flush':
        return { kind, atMs }
      case 'broker':
      case 'database':
      case 'snapshot':
        return { kind, atMs, forMs: 200 + draw(4_000) }
      case 'disk full':
      case 'read-only':
        return { kind, atMs, forMs: 2_500 + draw(3_000) } // for some commits
    }
  }
}
