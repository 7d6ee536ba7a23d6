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
import { createSubscriptions, type Subscriptions } from './subscriptions.ts'
import { candleOf, emissionOf, fakeLog, fakeSnapshot, fakeStore } from './testing/fakes.ts'

const symbol = 'BTC-USDT'
const key = z.array(z.union([z.number(), z.string()]))
const message = z.discriminatedUnion('type', [
  z.object({
    ...{ type: z.literal('snapshot'), e: z.number(), q: z.number(), seq: z.number(), reason: z.string() },
    ...{ rows: z.array(key), open: z.array(key) },
  }),
  z.object({ type: z.literal('b'), u: z.array(key) }),
  z.object({
    ...{ type: z.literal('u'), q: z.number(), pq: z.number().optional(), seq: z.number().optional() },
    ...{ k: key, x: z.number() },
  }),
  z.object({ type: z.literal('error'), code: z.number() }),
  z.object({
    type: z.literal('subscribed'),
    results: z.array(z.object({ ok: z.boolean(), mode: z.string().optional() })),
  }),
])

/** A client that applies the rules of the protocol, throws where one is broken, and remembers over connections. */
function strictClient() {
  const finals = new Map<number, string>()
  const open = new Map<number, string>()
  let at: { e: number; q: number; seq: number } | undefined
  let isFollowing = false
  let isRefused = false
  const apply = (q: number, pq: number | undefined, k: readonly (string | number)[], seq: number | undefined) => {
    if (at === undefined || !isFollowing) throw new Error('an update before the first snapshot')
    if (q <= at.q) return
    if (q !== at.q + 1 && !(pq !== undefined && pq <= at.q)) throw new Error(`gap ${at.q} -> ${q}, pq ${pq}`)
    at = { ...at, q, seq: Math.max(at.seq, seq ?? 0) }
    const [start, close] = [Number(k[0]), String(k[4])]
    if (seq === undefined) open.set(start, close)
    else {
      open.delete(start)
      finals.set(start, close)
    }
  }
  return {
    held: () => [...finals, ...[...open].filter(([start]) => !finals.has(start))].sort(([a], [b]) => a - b),
    position: () => at,
    isRefused: () => isRefused,
    /** The connection is gone. */
    left() {
      isFollowing = false
      isRefused = false
    },
    receive(text: string) {
      const m = message.parse(JSON.parse(text))
      if (m.type === 'subscribed') {
        const [result] = m.results
        isRefused = result?.ok !== true
        isFollowing = result?.mode === 'resumed'
      } else if (m.type === 'snapshot') {
        if (m.reason === 'initial' || m.reason === 'reset') finals.clear()
        at = { e: m.e, q: m.q, seq: m.seq }
        isFollowing = true
        open.clear()
        for (const k of m.rows) finals.set(Number(k[0]), String(k[4]))
        for (const k of m.open) open.set(Number(k[0]), String(k[4]))
      } else if (m.type === 'u') apply(m.q, m.pq, m.k, m.x === 1 ? (m.seq ?? 0) : undefined)
      else if (m.type === 'b')
        for (const row of m.u)
          apply(Number(row[1]), row[10] === undefined ? undefined : Number(row[10]), row.slice(2, 9), undefined)
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
    /** Committed, told to nobody: its owner ends, and the next one's epoch begins. */
    silent() {
      revision++
      const candle = candleOf({ start, close: revision, revision, seq: ++seq, final: true })
      store.put(candle)
      open.delete(start)
      truth.set(start, String(candle.close))
      start += 60_000
      this.takeover()
    },
    takeover() {
      e++
      q = 0
      offset = log.append(0, { epoch: e })
    },
    async write() {
      const channel = { symbol, interval: 60, e, q, seq, offset, partition: 0, open: [...open.values()] }
      const channels = q === 0 && open.size === 0 ? [] : [channel]
      if (!snapshot.down) await snapshot.snapshot.write(0, { e, offset }, channels)
    },
  }
}

/** What was read is a while on its way, and the question was. */
const slow =
  <A extends readonly unknown[], R>(read: (...given: A) => Promise<R>) =>
  async (...given: A): Promise<R> => {
    await turn()
    try {
      return await read(...given)
    } finally {
      await turn()
    }
  }

/** Everything of a gateway but its sockets. */
async function gatewayOn(
  log: ReturnType<typeof fakeLog>,
  store: ReturnType<typeof fakeStore>,
  snapshot: ReturnType<typeof fakeSnapshot>,
  clock: Clock,
  publish: (topic: string, text: string) => void,
) {
  const fanOut = createFanOut(publish)
  const quiet = () => undefined
  const reader = createBaseReader({
    store: { ...store.store, candles: slow(store.store.candles) },
    snapshot: { ...snapshot.snapshot, read: slow(snapshot.snapshot.read), position: slow(snapshot.snapshot.position) },
    clock,
    symbols: () => store.store.symbols(),
    feed: () => feed,
  })
  const { reset, owe } = createResets({ reader, fanOut, clock, log: quiet, random: () => 0 })
  const listener = { emission: fanOut.emission, reset }
  const feed = await startLiveFeed({
    ...{ broker: log.broker, topic: 't', clock, log: quiet, decode: log.decode, listener },
  })
  return { fanOut, feed, subscriptions: createSubscriptions({ storeId: 'k3', reader, fanOut, owe }) }
}

/** A client on a socket that may be full, as `stream.ts` treats one. */
function connection(window: 0 | 250) {
  const client = strictClient()
  const topics = new Set<string>()
  let session = createSession('c', 0, true, undefined)
  let isFull = false
  const socket: Socket = {
    send(text) {
      if (isFull) return 2
      client.receive(text)
      return 1
    },
    end: () => undefined,
    getBufferedAmount: () => (isFull ? 1_048_576 : 0),
    subscribe: (topic) => topics.add(topic).has(topic),
    unsubscribe: (topic) => topics.delete(topic),
    cork: (task) => task(),
  }
  const dirty = () => {
    topics.clear()
    for (const fan of session.subscriptions.keys()) session.dirty.add(fan)
  }
  return {
    client,
    published(topic: string, text: string) {
      if (!topics.has(topic)) return
      if (!isFull) return client.receive(text)
      session.laggingSince ??= 0
      dirty()
    },
    session: () => session,
    fill() {
      isFull = true
    },
    drain() {
      isFull = false
      if (session.laggingSince !== undefined) dirty()
      session.laggingSince = undefined
    },
    /** A new connection of the same client; it says where it was. */
    subscribe(subscriptions: Subscriptions): Promise<void> {
      topics.clear()
      client.left()
      isFull = false
      session = createSession('c', 0, true, undefined)
      session.ws = socket
      const at = client.position()
      const since = at === undefined ? {} : { since: { store: 'k3', ...at } }
      return subscriptions.subscribe(session, {
        ...{ op: 'subscribe', window, channels: [{ symbol, interval: '1m', snapshot: 1000, ...since }] },
      })
    },
    close(subscriptions: Subscriptions) {
      session.closed = true
      topics.clear()
      subscriptions.drop(session)
    },
  }
}

type Connection = ReturnType<typeof connection>

const acts = [
  ...['update', 'update', 'update', 'final', 'correction', 'silent', 'write', 'takeover', 'window'],
  ...['turn', 'turn', 'turn', 'turn', 'turn', 'turn'],
  ...['step', 'step', 'join', 'again', 'fill', 'drain', 'restart', 'store', 'snapshot', 'flush'],
] as const

// Goal: no interleaving of emissions, commits, snapshot writes, takeovers, outages of store and snapshot, full sockets,
// subscribing and resuming loses or repeats an update.
// Method: a client that throws at any gap; when all is mended everyone must hold what the engine made last.
it('a hand-off from snapshot to live updates is gapless', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom(...acts), { minLength: 10, maxLength: 160 }), async (steps) => {
      const log = fakeLog(1)
      const store = fakeStore()
      const clock = steppedClock()
      const side = engine(log, store)
      const connections: Connection[] = []
      let turns = 0
      const startGateway = () => {
        const mine = ++turns
        // What an earlier one still has under way reaches nobody.
        return gatewayOn(log, store, side.snapshot, clock, (topic, text) => {
          if (mine === turns) for (const one of connections) one.published(topic, text)
        })
      }
      let gateway = await startGateway()
      let joining: Promise<void>[] = []
      const again = (one: Connection) => {
        one.close(gateway.subscriptions)
        joining.push(one.subscribe(gateway.subscriptions))
      }
      const settle = async (): Promise<void> => {
        for (let i = 0; i < 400; i++) {
          for (const one of connections) void gateway.subscriptions.pump(one.session())
          clock.step()
          await turn()
        }
        await Promise.all(joining)
        joining = []
      }
      const on: Record<(typeof acts)[number], () => unknown> = {
        ...side,
        turn,
        step: clock.step,
        window: () => gateway.fanOut.flushWindow(250),
        join() {
          const one = connection(connections.length % 2 === 0 ? 0 : 250)
          connections.push(one)
          joining.push(one.subscribe(gateway.subscriptions))
        },
        again: () => connections.length > 0 && again(connections[steps.length % connections.length] as Connection),
        fill: () => connections.at(-1)?.fill(),
        drain: () => connections.at(-1)?.drain(),
        async restart() {
          for (const one of connections) one.close(gateway.subscriptions)
          await gateway.feed.close()
          gateway = await startGateway()
          for (const one of connections) joining.push(one.subscribe(gateway.subscriptions))
        },
        store() {
          store.down = !store.down
        },
        snapshot() {
          side.snapshot.down = !side.snapshot.down
        },
        flush: () => side.snapshot.flush(),
      }
      side.update()
      for (const next of steps) await on[next]()
      store.down = false
      side.snapshot.down = false
      for (const one of connections) one.drain()
      side.update()
      await side.write()
      await settle()
      for (const one of connections) if (one.client.isRefused()) again(one)
      await settle()
      side.final()
      await turn()
      gateway.fanOut.flushWindow(250)
      const truth = [...side.truth].sort(([a], [b]) => a - b)
      for (const { client } of connections) expect(client.held()).toEqual(truth)
      await gateway.feed.close()
    }),
    { numRuns: Number(process.env['HANDOFF_RUNS'] ?? 500) },
  )
}, 300_000)
