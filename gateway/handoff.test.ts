import fc from 'fast-check'
import { expect, it } from 'vitest'
import { z } from 'zod'
import type { Clock } from '../ports/clock.ts'
import type { Candle, Emission } from '../schemas/candle.ts'
import { createBaseReader } from './base-reader.ts'
import { createFanOut } from './fan-out.ts'
import { startLiveFeed } from './live-feed.ts'
import { createResets } from './resets.ts'
import { createSession, type Socket } from './session.ts'
import { createSubscriptions } from './subscriptions.ts'
import { candleOf, emissionOf, fakeLog, fakeSnapshot, fakeStore } from './testing/fakes.ts'

const symbol = 'BTC-USDT'
const key = z.array(z.union([z.number(), z.string()]))
const message = z.discriminatedUnion('type', [
  z.object({ type: z.literal('snapshot'), e: z.number(), q: z.number(), rows: z.array(key), open: z.array(key) }),
  z.object({ type: z.literal('b'), u: z.array(key) }),
  z.object({ type: z.literal('u'), q: z.number(), pq: z.number().optional(), k: key, x: z.number() }),
  z.object({ type: z.literal('subscribed'), results: z.array(z.object({ ok: z.literal(true), mode: z.string() })) }),
])

/** A client that applies the rule of the protocol and throws where it is broken. */
function strictClient() {
  const candles = new Map<number, string>()
  let at: { e: number; q: number } | undefined
  const apply = (q: number, pq: number | undefined, k: readonly (string | number)[]) => {
    if (at === undefined) throw new Error('an update before the first snapshot')
    if (q <= at.q) return
    if (q !== at.q + 1 && !(pq !== undefined && pq <= at.q)) throw new Error(`gap ${at.q} -> ${q}, pq ${pq}`)
    at = { ...at, q }
    candles.set(Number(k[0]), String(k[4]))
  }
  return {
    candles,
    position: () => at,
    receive(text: string) {
      const m = message.parse(JSON.parse(text))
      if (m.type === 'snapshot') {
        at = { e: m.e, q: m.q }
        for (const k of [...m.rows, ...m.open]) candles.set(Number(k[0]), String(k[4]))
      } else if (m.type === 'u') apply(m.q, m.pq, m.k)
      else if (m.type === 'b')
        for (const row of m.u)
          apply(Number(row[1]), row[10] === undefined ? undefined : Number(row[10]), row.slice(2, 9))
    },
  }
}

/** Sleeps last until the schedule says so; time moves with them. */
function steppedClock(): Clock & { step(): void } {
  const sleepers: (() => void)[] = []
  let now = 0
  return {
    now: () => now,
    monotonic: () => now,
    sleep: () => new Promise((resolve) => sleepers.push(resolve)),
    every: () => () => undefined,
    step() {
      now += 50
      for (const wake of sleepers.splice(0)) wake()
    },
  }
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

/** The engine's side: emissions to the log; finals to the store before; snapshots when told. */
function engine(log: ReturnType<typeof fakeLog>, store: ReturnType<typeof fakeStore>) {
  const snapshot = fakeSnapshot()
  const open = new Map<number, Candle>()
  const truth = new Map<number, string>()
  let [e, q, seq, offset, start, revision] = [1, 0, 0, 0, 0, 0]
  offset = log.append(0, { epoch: e })
  const emit = (kind: Emission['kind'], candle: Candle) => {
    q++
    truth.set(candle.start, String(candle.close))
    offset = log.append(0, emissionOf(e, q, kind, candle))
  }
  return {
    snapshot,
    truth,
    update() {
      revision++
      const candle = candleOf({ start, close: revision, revision })
      open.set(start, candle)
      emit('update', candle)
    },
    final() {
      revision++
      const candle = candleOf({ start, close: revision, revision, seq: ++seq, final: true })
      store.put(candle)
      open.delete(start)
      emit('final', candle)
      start += 60_000
    },
    correction() {
      if (start === 0) return
      revision++
      const candle = candleOf({ start: start - 60_000, close: revision, revision, seq: ++seq, final: true })
      store.put(candle)
      emit('correction', candle)
    },
    takeover() {
      e++
      q = 0
      offset = log.append(0, { epoch: e })
    },
    async write() {
      const channel = { symbol, interval: 60, e, q, seq, offset, partition: 0, open: [...open.values()] }
      await snapshot.snapshot.write(0, { e, offset }, q === 0 && open.size === 0 ? [] : [channel])
    },
  }
}

// Goal: no interleaving of emissions, commits, snapshot writes, takeovers and subscribing loses or repeats an update.
// Method: a client that throws at any gap; after a last snapshot everyone must hold what the engine emitted last.
it('a hand-off from snapshot to live updates is gapless', async () => {
  const act = fc.constantFrom(
    'update',
    'update',
    'update',
    'final',
    'correction',
    'write',
    'takeover',
    'turn',
    'window',
    'step',
    'join',
  )
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 10, maxLength: 120 }), async (acts) => {
      const log = fakeLog(1)
      const store = fakeStore()
      const clock = steppedClock()
      const side = engine(log, store)
      const topics = new Map<string, Set<ReturnType<typeof strictClient>>>()
      const publish = (topic: string, text: string) => {
        for (const client of topics.get(topic) ?? []) client.receive(text)
      }
      const fanOut = createFanOut(publish)
      const quiet = () => undefined
      const symbols = () => store.store.symbols()
      const reader = createBaseReader({
        store: store.store,
        snapshot: side.snapshot.snapshot,
        clock,
        symbols,
        feed: () => feed,
      })
      const { reset, owe } = createResets({ reader, fanOut, clock, log: quiet, random: () => 0 })
      const listener = { emission: fanOut.emission, reset }
      const feed = await startLiveFeed({
        broker: log.broker,
        topic: 't',
        clock,
        log: quiet,
        decode: log.decode,
        listener,
      })
      const subscriptions = createSubscriptions({ storeId: 'k3', reader, fanOut, owe })
      const clients: ReturnType<typeof strictClient>[] = []
      const joining: Promise<void>[] = []
      const join = () => {
        const client = strictClient()
        const socket: Socket = {
          send(text) {
            client.receive(text)
            return 1
          },
          end: () => undefined,
          getBufferedAmount: () => 0,
          subscribe(topic) {
            topics.set(topic, (topics.get(topic) ?? new Set()).add(client))
            return true
          },
          unsubscribe: () => true,
          cork: (task) => task(),
        }
        const session = createSession('c', 0, true, undefined)
        session.ws = socket
        clients.push(client)
        joining.push(
          subscriptions.subscribe(session, {
            op: 'subscribe',
            window: clients.length % 2 === 0 ? 0 : 250,
            channels: [{ symbol, interval: '1m', snapshot: 1000 }],
          }),
        )
      }
      side.update()
      for (const next of acts) {
        if (next === 'turn') await turn()
        else if (next === 'step') clock.step()
        else if (next === 'join') join()
        else if (next === 'window') fanOut.flushWindow(250)
        else await side[next]()
      }
      side.update()
      await side.write()
      for (let i = 0; i < 60; i++) {
        clock.step()
        await turn()
      }
      await Promise.all(joining)
      side.final()
      await turn()
      fanOut.flushWindow(250)
      for (const client of clients) {
        expect(client.position()).toBeDefined()
        expect([...client.candles].sort()).toEqual([...side.truth].sort())
      }
      await feed.close()
    }),
    { numRuns: 150 },
  )
}, 30_000)
