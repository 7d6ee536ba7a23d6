import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { asAdmin } from './admin.ts'
import type { PointListener } from './fault-proxy.ts'
import type { Member } from './members.ts'
import type { Platform } from './platform.ts'
import { type EngineName, type Fault, labels, latencyMsOf, type MemberName, waitsForPoint } from './script.ts'

/** What was done, when: ms from the start. */
export interface Injected {
  readonly fault: Fault
  /** Undefined where the process never came to the point. */
  readonly doneMs: number | undefined
}

interface InjectorOptions {
  readonly platform: Platform
  readonly members: Readonly<Record<MemberName, Member>>
  /** The checkout that an upgrade goes to. */
  readonly upgraded?: string | undefined
  /** Ms from the start. */
  elapsed(): number
  log(line: string): void
}

/** Does to the platform what a script says. */
export interface Injector {
  /** Returns when the fault is over, or waits for its point. */
  inject(fault: Fault): Promise<void>
  /** Takes every trouble away that is still there. */
  mend(): Promise<void>
  readonly injected: readonly Injected[]
  /** Faults that still wait for a process to come to their point. */
  readonly waiting: number
}

const retryMs = 200

/** @throws {Error} The last trouble, where it does not work within a minute. */
async function untilDone(work: () => Promise<unknown>): Promise<void> {
  for (const until = Date.now() + 60_000; ; await sleep(retryMs)) {
    try {
      await work()
      return
    } catch (error) {
      if (Date.now() > until) throw error
    }
  }
}

const reload = 'SELECT pg_reload_conf()'

export function createInjector({ platform, members, upgraded, elapsed, log }: InjectorOptions): Injector {
  const { wires, broker, database, snapshot, disk, postgresUrl, redisUrl } = platform
  const injected: Injected[] = []
  const waiting = new Set<Fault>()

  const done = (fault: Fault): void => {
    injected.push({ fault, doneMs: elapsed() })
    log(JSON.stringify({ ...fault, doneMs: Math.round(elapsed()) }))
  }
  const stopFor = async (member: MemberName, ms: number): Promise<void> => {
    members[member].signal('SIGSTOP')
    await sleep(ms)
    members[member].signal('SIGCONT')
  }
  /** Does it when the member next comes to the point; what waits behind another waits for its turn. */
  const atPoint = (
    fault: Fault,
    member: EngineName,
    wire: 'kafka' | 'postgres',
    point: string,
    act: PointListener,
  ): void => {
    const proxy = wires[member][wire]
    const before = proxy.onPoint
    const listener: PointListener = (reached, passage) => {
      if (reached !== point || !waiting.delete(fault)) return before?.(reached, passage)
      done(fault)
      act(reached, passage)
    }
    waiting.add(fault)
    proxy.onPoint = listener
  }
  const readOnly = async (forMs: number): Promise<void> => {
    await untilDone(() => asAdmin(postgresUrl, 'ALTER SYSTEM SET default_transaction_read_only = on', reload))
    await sleep(forMs)
    await writable()
  }
  const writable = (): Promise<void> =>
    untilDone(() => asAdmin(postgresUrl, 'ALTER SYSTEM RESET default_transaction_read_only', reload))
  const flush = async (): Promise<void> => {
    const redis = new Redis(redisUrl, { lazyConnect: true, maxRetriesPerRequest: 0, retryStrategy: () => null })
    redis.on('error', () => undefined)
    try {
      await redis.connect()
      await redis.flushall()
    } finally {
      redis.disconnect()
    }
  }

  const inject = async (fault: Fault): Promise<void> => {
    if (!waitsForPoint(fault)) done(fault)
    switch (fault.kind) {
      case 'kill':
        return members[fault.member].signal('SIGKILL')
      case 'kill at': {
        const [wire, point] = labels[fault.label] ?? labels[0]
        return atPoint(fault, fault.member, wire, point, () => members[fault.member].signal('SIGKILL'))
      }
      case 'stop':
        return stopFor(fault.member, fault.forMs)
      case 'stop at': {
        const [wire, point] = labels[fault.label] ?? labels[0]
        return atPoint(fault, fault.member, wire, point, (_, passage) => {
          passage.hold(fault.forMs)
          void stopFor(fault.member, fault.forMs)
        })
      }
      case 'zombie':
        return atPoint(fault, fault.member, 'postgres', 'copy-done', (_, passage) => {
          passage.hold(fault.forMs)
          void stopFor(fault.member, fault.forMs)
        })
      case 'restart':
        return members[fault.member].signal('SIGTERM')
      case 'upgrade':
        if (upgraded === undefined) throw new Error('there is nothing to upgrade to')
        return members[fault.member].upgrade(upgraded)
      case 'copy cut':
        return atPoint(fault, fault.member, 'postgres', 'copy', (_, passage) => passage.cut())
      case 'commit cut':
        return atPoint(fault, fault.member, 'postgres', 'copy-done', (_, passage) => passage.cut())
      case 'answer lost':
        return atPoint(fault, fault.member, 'postgres', 'copy-done', (_, passage) => passage.loseAnswer())
      case 'commit held':
        return atPoint(fault, fault.member, 'postgres', 'copy-done', (_, passage) => passage.hold(fault.forMs))
      case 'cut':
        return wires[fault.member][fault.wire].cutAll()
      case 'half-open':
        return wires[fault.member][fault.wire].halfOpenAll()
      case 'swallow':
        return wires[fault.member][fault.wire].swallowAll()
      case 'black hole':
        wires[fault.member][fault.wire].blackHole()
        await sleep(fault.forMs)
        return wires[fault.member][fault.wire].mend()
      case 'latency':
        wires[fault.member][fault.wire].latencyMs = latencyMsOf(fault)
        await sleep(fault.forMs)
        wires[fault.member][fault.wire].latencyMs = 0
        return
      case 'broker':
        return broker.restart(fault.forMs)
      case 'database':
        return database.restart(fault.forMs)
      case 'snapshot':
        return snapshot.restart(fault.forMs)
      case 'disk full':
        await disk?.fill()
        await sleep(fault.forMs)
        return disk?.empty()
      case 'read-only':
        return readOnly(fault.forMs)
      case 'flush':
        return flush().catch(() => undefined) // it is down, and comes back empty
    }
  }

  return {
    inject,
    injected,
    get waiting() {
      return waiting.size
    },
    async mend() {
      for (const fault of waiting) injected.push({ fault, doneMs: undefined })
      waiting.clear()
      for (const member of Object.values(wires))
        for (const proxy of Object.values(member)) {
          proxy.onPoint = undefined
          proxy.latencyMs = 0
          proxy.mend()
        }
      await disk?.empty()
      await writable()
    },
  }
}
