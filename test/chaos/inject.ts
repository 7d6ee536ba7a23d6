import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { asAdmin } from './admin.ts'
import type { Passage } from './fault-proxy.ts'
import type { Member } from './members.ts'
import type { Platform } from './platform.ts'
import { type EngineName, type Fault, labels, latencyMsOf, type MemberName } from './script.ts'

/** What was done, when: ms from the start. */
export interface Injected {
  readonly fault: Fault
  /** Undefined where the process never came to the point, or it came to nothing. */
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
/** What the server says of a commit that it refuses. */
const fencedMessage = 'redwick fenced partitions'
const diskIsFull = 'No space left on device'
const isReadOnly = 'in a read-only transaction'
/** Until it has said so of a commit that was held. */
const refusedMsMax = 5_000

/** Whether a server's answer to a commit says that it went well. */
function isCommitted(answer: Buffer): boolean {
  for (let at = 0; at + 5 <= answer.length; at += 1 + answer.readInt32BE(at + 1)) {
    const type = String.fromCharCode(answer[at] ?? 0)
    if (type === 'E') return false
    if (type === 'Z') return true
  }
  return false
}

export function createInjector({ platform, members, upgraded, elapsed, log }: InjectorOptions): Injector {
  const { wires, broker, database, snapshot, disk, postgresUrl, redisUrl, databaseSaid } = platform
  const injected: Injected[] = []
  /** Of which it is not known yet what they came to; and those of them whose process has not come to the point. */
  const [begun, waiting] = [new Set<Fault>(), new Set<Fault>()]
  const underWay = new Set<Promise<void>>()
  /** What a point set going, and nobody else waits for. */
  const under = (work: Promise<void>): void => {
    underWay.add(work)
    void work.finally(() => underWay.delete(work))
  }

  /** Counts what was done, or that it came to nothing. */
  const done = (fault: Fault, hadEffect = true): void => {
    if (!begun.delete(fault)) return // the run is over
    const doneMs = hadEffect ? elapsed() : undefined
    injected.push({ fault, doneMs })
    log(JSON.stringify({ ...fault, doneMs: doneMs === undefined ? 'without effect' : Math.round(doneMs) }))
  }
  /** What the server has said so far: what is new in it later came of what was done meanwhile. */
  const databaseSays = (what: string): (() => number) => {
    const count = (): number => databaseSaid().split(what).length - 1
    const before = count()
    return () => count() - before
  }
  const stopFor = async (member: MemberName, ms: number): Promise<boolean> => {
    const isThere = members[member].signal('SIGSTOP')
    await sleep(ms)
    members[member].signal('SIGCONT')
    return isThere
  }
  /** Does it when the member next comes to the point; what waits behind another waits for its turn. */
  const atPoint = (
    fault: Fault,
    member: EngineName,
    wire: 'kafka' | 'postgres',
    point: string,
    act: (passage: Passage, bytes: number) => void,
  ): void => {
    const proxy = wires[member][wire]
    const before = proxy.onPoint
    waiting.add(fault)
    proxy.onPoint = (reached, passage, bytes) => {
      if (reached !== point || !waiting.delete(fault)) return before?.(reached, passage, bytes)
      act(passage, bytes)
    }
  }
  /** A commit in flight and its process stand still until others own the partitions: it must be refused. */
  const makeZombie = async (fault: Fault & { readonly forMs: number }, member: EngineName, passage: Passage) => {
    const fenced = databaseSays(fencedMessage)
    passage.hold(fault.forMs)
    await stopFor(member, fault.forMs)
    for (const until = elapsed() + refusedMsMax; fenced() === 0 && elapsed() < until; ) await sleep(retryMs)
    done(fault, fenced() > 0)
  }
  const readOnly = async (forMs: number): Promise<void> => {
    await untilDone(() => asAdmin(postgresUrl, 'ALTER SYSTEM SET default_transaction_read_only = on', reload))
    await sleep(forMs)
    await writable()
  }
  const writable = (): Promise<void> =>
    untilDone(() => asAdmin(postgresUrl, 'ALTER SYSTEM RESET default_transaction_read_only', reload))
  /** @returns Whether there was something to flush: it may be down, and come back empty. */
  const flush = async (): Promise<boolean> => {
    const redis = new Redis(redisUrl, { lazyConnect: true, maxRetriesPerRequest: 0, retryStrategy: () => null })
    redis.on('error', () => undefined)
    try {
      await redis.connect()
      await redis.flushall()
      return true
    } catch {
      return false
    } finally {
      redis.disconnect()
    }
  }

  const inject = async (fault: Fault): Promise<void> => {
    begun.add(fault)
    switch (fault.kind) {
      case 'kill':
        return done(fault, members[fault.member].signal('SIGKILL'))
      case 'kill at': {
        const [wire, point] = labels[fault.label] ?? labels[0]
        return atPoint(fault, fault.member, wire, point, () => done(fault, members[fault.member].signal('SIGKILL')))
      }
      case 'stop':
        return done(fault, await stopFor(fault.member, fault.forMs))
      case 'stop at': {
        const [wire, point] = labels[fault.label] ?? labels[0]
        return atPoint(fault, fault.member, wire, point, (passage) => {
          passage.hold(fault.forMs)
          under(stopFor(fault.member, fault.forMs).then((isThere) => done(fault, isThere)))
        })
      }
      case 'zombie':
        return atPoint(fault, fault.member, 'postgres', 'copy-done', (passage) =>
          under(makeZombie(fault, fault.member, passage)),
        )
      case 'restart':
        return done(fault, members[fault.member].signal('SIGTERM'))
      case 'upgrade':
        if (upgraded === undefined) throw new Error('there is nothing to upgrade to')
        return done(fault, members[fault.member].upgrade(upgraded))
      case 'copy cut':
        return atPoint(fault, fault.member, 'postgres', 'copy', (passage, bytes) => {
          passage.cutAfter(Math.floor(bytes * fault.part))
          done(fault)
        })
      case 'commit cut':
        return atPoint(fault, fault.member, 'postgres', 'copy-done', (passage) => {
          passage.cut()
          done(fault)
        })
      case 'answer lost':
        return atPoint(fault, fault.member, 'postgres', 'copy-done', (passage) =>
          passage.loseAnswer((answer) => done(fault, isCommitted(answer))),
        )
      case 'commit held':
        return atPoint(fault, fault.member, 'postgres', 'copy-done', (passage) => {
          passage.hold(fault.forMs)
          done(fault)
        })
      case 'cut':
        return done(fault, wires[fault.member][fault.wire].cutAll() > 0)
      case 'half-open':
        return done(fault, wires[fault.member][fault.wire].halfOpenAll() > 0)
      case 'swallow':
        return done(fault, wires[fault.member][fault.wire].swallowAll() > 0)
      case 'black hole':
        done(fault)
        wires[fault.member][fault.wire].blackHole()
        await sleep(fault.forMs)
        return wires[fault.member][fault.wire].mend()
      case 'latency':
        done(fault)
        wires[fault.member][fault.wire].latencyMs = latencyMsOf(fault)
        await sleep(fault.forMs)
        wires[fault.member][fault.wire].latencyMs = 0
        return
      case 'broker':
        done(fault)
        return broker.restart(fault.forMs)
      case 'database':
        done(fault)
        return database.restart(fault.forMs)
      case 'snapshot':
        done(fault)
        return snapshot.restart(fault.forMs)
      case 'disk full': {
        const refused = databaseSays(diskIsFull)
        await disk?.fill()
        await sleep(fault.forMs)
        await disk?.empty()
        return done(fault, refused() > 0)
      }
      case 'read-only': {
        const refused = databaseSays(isReadOnly)
        await readOnly(fault.forMs)
        return done(fault, refused() > 0)
      }
      case 'flush':
        return done(fault, await flush())
    }
  }

  return {
    inject,
    injected,
    get waiting() {
      return waiting.size
    },
    async mend() {
      await Promise.all(underWay)
      for (const fault of begun) injected.push({ fault, doneMs: undefined })
      begun.clear()
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
