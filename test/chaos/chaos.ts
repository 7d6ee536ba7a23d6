import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { OutgoingRecord } from '../../ports/broker.ts'
import { randomOf } from '../simulation/script.ts'
import { startDeployment } from './deployment.ts'
import { createInjector, type Injected } from './inject.ts'
import type { Platform } from './platform.ts'
import { type Fault, type MemberName, memberNames } from './script.ts'
import { type StreamWatch, watchStream } from './stream-watch.ts'
import { judge, noteAcknowledged } from './verdict.ts'
import { createWorkload } from './workload.ts'

const feedEveryMs = 100
/** After the last fault, until all is committed. */
const settleMsMax = 90_000
const diskFull = 'SQLSTATE 53100'
/** For processes to come to the points that faults wait for, after the others are over. */
const waitMsMax = 15_000
const clients = 3
/** Watched by clients: a connection has at most 200 channels. */
const watchedIntervals = ['1m', '5m', '1h', '1d'] as const

export interface ChaosOptions {
  readonly seed: number
  readonly script: readonly Fault[]
  /** Ms of feeding at least; it goes on until the last fault is over. */
  readonly lastMs: number
  /** The checkout whose engines are run; ours if left out. */
  readonly from?: string | undefined
  /** The checkout that an upgrade goes to. */
  readonly upgraded?: string | undefined
  log(line: string): void
}

export interface ChaosResult {
  readonly violations: readonly string[]
  readonly injected: readonly Injected[]
  readonly ticks: number
  readonly candles: number
  readonly refused: number
  readonly skipped: number
  readonly updates: number
  readonly connections: number
  /** Channels that went on where an earlier connection had ended. */
  readonly resumed: number
  /** Attempts that the engines say failed because the disk was full. */
  readonly diskRefusals: number
  /** What the processes said. */
  readonly said: Readonly<Record<MemberName, string>>
}

/** One run of the whole platform under a script of faults, judged at its end. */
export async function runChaos(platform: Platform, options: ChaosOptions): Promise<ChaosResult> {
  const { seed, script, lastMs, log } = options
  const deployment = await startDeployment(platform, { from: options.from })
  const { members, codecs, partitions, send } = deployment
  const random = randomOf(seed, 'chaos workload')
  const workload = createWorkload({ random, codecs, partitions, start: Date.now() })
  const streams: StreamWatch[] = []
  const watch = (): void => void streams.push(watchStream(deployment.gatewayUrl, workload.symbols, watchedIntervals))
  try {
    for (let i = 0; i < clients; i++) watch()
    const began = performance.now()
    const elapsed = (): number => performance.now() - began
    const injector = createInjector({ platform, members, upgraded: options.upgraded, elapsed, log })
    let overMs = Number.POSITIVE_INFINITY
    const isGoingOn = (): boolean =>
      elapsed() < lastMs ||
      overMs === Number.POSITIVE_INFINITY ||
      (injector.waiting > 0 && elapsed() < overMs + waitMsMax)
    const over = Promise.all(
      script.map(async (fault) => {
        await sleep(Math.max(0, fault.atMs - elapsed()))
        await injector.inject(fault)
      }),
    ).finally(() => {
      overMs = elapsed()
    })
    over.catch(() => undefined)
    const acknowledged = new Map<string, number>()
    const feed = async (records: readonly OutgoingRecord[]): Promise<void> => {
      await send(records)
      noteAcknowledged(acknowledged, records)
    }
    while (isGoingOn()) {
      await feed(workload.next(elapsed()))
      await sleep(feedEveryMs)
    }
    await over
    await injector.mend()
    const mendedAt = performance.now()
    await feed(workload.end())
    watch() // one that was not there before
    const { known } = workload
    const { violations, oracle } = await judge({ ...deployment, known, acknowledged, streams, mendedAt }, settleMsMax)
    const updates = streams.reduce((sum, stream) => sum + stream.updates, 0)
    const connections = streams.reduce((sum, stream) => sum + stream.connections, 0)
    const resumed = streams.reduce((sum, stream) => sum + stream.resumed, 0)
    for (const stream of streams) stream.close()
    const ends = (await deployment.stop())
      .filter(({ code }) => code !== 0)
      .map(({ member, code, signal }) => `${member} ended with ${code ?? signal} when it was told to stop`)
    const crashes = Object.values(members)
      .flatMap((member) => member.crashes)
      .map(({ member, code, signal }) => `${member} ended by itself with ${code ?? signal}`)
    const deaf = updates === 0 ? ['no client heard of any update'] : []
    const badStops = Object.values(members).flatMap((member) => member.badStops)
    const said = Object.fromEntries(memberNames.map((name) => [name, members[name].said()])) as Record<
      MemberName,
      string
    >
    return {
      violations: [...violations, ...ends, ...crashes, ...badStops, ...deaf],
      injected: injector.injected,
      ...{ updates, connections, resumed, ticks: oracle.used, candles: oracle.candles.length },
      ...{
        refused: oracle.refused.length,
        skipped: [...oracle.skipped.values()].reduce((sum, count) => sum + count, 0),
      },
      diskRefusals: Object.values(said).join('').split(diskFull).length - 1,
      said,
    }
  } finally {
    for (const stream of streams) stream.close()
    await deployment.close()
  }
}

/** Keeps what the processes of a failing run said. @returns Where. */
export async function keepSaid(seed: number, said: Readonly<Record<string, string>>): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), `redwick-chaos-${seed}-`))
  for (const [member, text] of Object.entries(said)) await writeFile(join(dir, `${member}.log`), text)
  return dir
}
