/** What becomes of one commit: it works; fails with nothing kept; works while its answer is lost; hangs on at the server while the client gives up. */
export const commitFates = ['ok', 'fails before', 'fails at the end', 'answer lost', 'hangs'] as const

export type CommitFate = (typeof commitFates)[number]

const sendFates = ['fails before', 'answer lost'] as const

/** What becomes of one send: it never arrives, or its acknowledgement does not. */
export type SendFate = (typeof sendFates)[number]

const storeTroubles = ['unreachable', 'refuses', 'slow'] as const

export type StoreTrouble = (typeof storeTroubles)[number]

/** Something that happens to a world. Times are ms from the start. */
export type Fault =
  | { readonly kind: 'kill'; readonly atMs: number; readonly node: number; readonly downMs: number }
  /** The process that reaches the label for the `count`th time, of all, is killed there. */
  | { readonly kind: 'kill at'; readonly label: string; readonly count: number; readonly downMs: number }
  /** The same, but it stands still there. */
  | { readonly kind: 'freeze at'; readonly label: string; readonly count: number; readonly forMs: number }
  | { readonly kind: 'freeze'; readonly atMs: number; readonly node: number; readonly forMs: number }
  | { readonly kind: 'leave'; readonly atMs: number; readonly node: number; readonly downMs: number }
  | {
      readonly kind: 'store'
      readonly atMs: number
      readonly forMs: number
      readonly how: StoreTrouble
    }
  | { readonly kind: 'broker'; readonly atMs: number; readonly forMs: number }
  | { readonly kind: 'snapshot'; readonly atMs: number; readonly forMs: number }
  /** The `count`th commit of all meets it. */
  | { readonly kind: 'commit'; readonly count: number; readonly fate: CommitFate }
  /** The `count`th send of all is lost. */
  | { readonly kind: 'send'; readonly count: number; readonly fate: SendFate }
  /** The log of a partition loses all but its last records, or its last ones. */
  | {
      readonly kind: 'cut'
      readonly atMs: number
      readonly partition: number
      readonly end: 'head' | 'tail'
      readonly records: number
    }
  | { readonly kind: 'clock'; readonly atMs: number; readonly node: number; readonly byMs: number }

export const partitionCount = 3

/** Where a process may be killed, or stopped: on either side of each call to the world. */
const labels = [
  ...['fence', 'takeover', 'commit', 'publish', 'send t.candles.live', 'join', 'fetch', 'candles', 'group offsets'],
].flatMap((call) => [`${call}:before`, `${call}:after`])

export function drawFaults(random: () => number, nodes: number, lastMs: number): readonly Fault[] {
  const draw = (count: number): number => Math.floor(random() * count)
  const pick = <T>(list: readonly T[]): T => list[draw(list.length)] as T
  const atMs = (): number => draw(lastMs)
  const node = (): number => draw(nodes)
  const downMs = (): number => draw(4000)
  const kinds: readonly (() => Fault)[] = [
    () => ({ kind: 'kill', atMs: atMs(), node: node(), downMs: downMs() }),
    () => ({ kind: 'kill at', label: pick(labels), count: 1 + draw(12), downMs: downMs() }),
    () => ({ kind: 'kill at', label: pick(labels), count: 1 + draw(12), downMs: downMs() }),
    () => ({ kind: 'freeze', atMs: atMs(), node: node(), forMs: draw(15_000) }),
    () => ({ kind: 'freeze at', label: pick(labels), count: 1 + draw(12), forMs: 6000 + draw(6000) }),
    () => ({ kind: 'freeze', atMs: atMs(), node: node(), forMs: 6000 + draw(6000) }),
    () => ({ kind: 'leave', atMs: atMs(), node: node(), downMs: downMs() }),
    () => ({ kind: 'store', atMs: atMs(), forMs: draw(6000), how: pick(storeTroubles) }),
    () => ({ kind: 'broker', atMs: atMs(), forMs: draw(5000) }),
    () => ({ kind: 'snapshot', atMs: atMs(), forMs: draw(8000) }),
    () => ({ kind: 'commit', count: 1 + draw(20), fate: pick(commitFates.slice(1)) }),
    () => ({ kind: 'commit', count: 1 + draw(20), fate: pick(commitFates.slice(1)) }),
    () => ({ kind: 'send', count: 1 + draw(40), fate: pick(sendFates) }),
    () => ({ kind: 'clock', atMs: atMs(), node: node(), byMs: draw(7_200_000) - 3_600_000 }),
  ]
  const faults = Array.from({ length: draw(12) }, () => pick(kinds)())
  if (draw(20) > 0) return faults
  // Nothing is appended behind a cut, or it could not be noticed.
  const cut: Fault = {
    ...{ kind: 'cut', atMs: lastMs + 1 + draw(3000), partition: draw(partitionCount), records: draw(40) },
    end: pick(['head', 'tail'] as const),
  }
  return [...faults, cut]
}
