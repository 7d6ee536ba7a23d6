import { fork } from 'node:child_process'
import { join } from 'node:path'
import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { updateText } from '../gateway/candle-text.ts'
import { candleOf, fakeLog, fakeSnapshot, fakeStore } from '../gateway/testing/fakes.ts'
import type { Broker, ReadOptions, StoredRecord } from '../ports/broker.ts'
import { createEmbeddedRegistry } from '../registry/embedded-registry.ts'
import { invariant } from '../schemas/errors.ts'
import { topicNames } from '../schemas/topics.ts'
import { type Codecs, createCodecs } from '../topology/codecs.ts'
import { openBenchGateway } from './bench-gateway.ts'
import { symbolName } from './generated-ticks.ts'
import { type BenchOptions, type BenchOutcome, type Measures, repeated, spreadOf } from './outcome.ts'
import { nodeOptions } from './own-process.ts'
import { type RawServer, startRawUws, startWs } from './raw-sockets.ts'

const clients = 1000
const channels = 100
const channelsOfClient = 10
/** Updates of every channel in one run, in bursts as the engine's pulse makes them. */
const rounds = 100
const deliveriesOfRound = clients * channelsOfClient
/** Rounds that may be on their way: far below what a socket's buffer takes. */
const roundsAheadMax = 16
const waitMsMax = 60_000
const startMs = 1_700_000_040_000

const progress = z.object({ subscribed: z.number(), updates: z.number() })

interface LiveTopic {
  readonly broker: Broker
  /** One update of every channel, as the engine's pulse sends them. */
  publish(): Promise<void>
}

/** `candles.live` of one partition in memory: encoded records, kept by nobody. */
function liveTopic({ encodeEmission }: Codecs): LiveTopic {
  let reader: ReadOptions | undefined
  let offset = 0
  let q = 0
  return {
    broker: {
      ...fakeLog(1).broker,
      async read(options) {
        reader = options
        return { startOffsets: new Map([[0, 0]]), close: async () => undefined }
      },
    },
    async publish() {
      q += 1
      const records = Array.from({ length: channels }, (_, i): StoredRecord => {
        const candle = candleOf({ symbol: symbolName(i), start: startMs, close: 100 + q / 8, trades: q, revision: q })
        const value = Buffer.from(encodeEmission({ kind: 'update', e: 1, q, candle }))
        return { partition: 0, offset: offset++, appendTime: Date.now(), key: null, value, headers: {} }
      })
      await reader?.onRecords(0, records)
    },
  }
}

async function openGateway(topic: LiveTopic, codecs: Codecs) {
  const names = Array.from({ length: channels }, (_, i) => symbolName(i))
  const store = fakeStore()
  store.put(...names.map((symbol) => candleOf({ symbol, start: startMs - 60_000 })))
  const { snapshot } = fakeSnapshot()
  await snapshot.write(
    0,
    { e: 1, offset: 0 },
    names.map((symbol) => ({ symbol, interval: 60, e: 1, q: 1, seq: 0, offset: 0, partition: 0, open: [] })),
  )
  return openBenchGateway({ broker: topic.broker, store: store.store, snapshot, codecs })
}

/** Starts the clients. `until` resolves when so many have subscribed, or so many updates have arrived. */
function startClients(port: number) {
  const names = Array.from({ length: channels }, (_, i) => symbolName(i))
  const child = fork(
    join(import.meta.dirname, 'gateway-clients.ts'),
    [String(port), String(clients), String(channelsOfClient), ...names],
    { execArgv: [...nodeOptions] },
  )
  let seen = { subscribed: 0, updates: 0 }
  child.on('message', (message) => {
    seen = progress.parse(message)
  })
  return {
    get seen() {
      return seen
    },
    async until(what: 'subscribed' | 'updates', count: number): Promise<void> {
      for (const end = Date.now() + waitMsMax; seen[what] < count; await sleep(1))
        invariant(child.exitCode === null && Date.now() < end, `the clients saw ${count} ${what}, were ${seen[what]}`)
    },
    stop: () => child.disconnect(),
  }
}

/** A server that the same clients follow. */
interface Target {
  readonly name: string
  readonly port: number
  /** One update of every channel. */
  publish(): Promise<void>
  close(): Promise<void>
}

async function ownTarget(): Promise<Target> {
  const codecs = await createCodecs(await createEmbeddedRegistry(), topicNames())
  const topic = liveTopic(codecs)
  const server = await openGateway(topic, codecs)
  return { name: 'gateway', port: server.port, publish: topic.publish, close: () => server.close() }
}

/** The same texts, made once each, without what makes them: no log, no decoding, no snapshots, no limits. */
function rawTarget(name: string, server: RawServer): Target {
  let q = 0
  return {
    ...{ name, port: server.port, close: server.close },
    async publish() {
      q += 1
      for (let i = 0; i < channels; i++) {
        const candle = candleOf({ symbol: symbolName(i), start: startMs, close: 100 + q / 8, trades: q, revision: q })
        server.publish(symbolName(i), updateText(i + 1, { kind: 'update', e: 1, q, candle }, q - 1, 0))
      }
    },
  }
}

interface Delivered {
  readonly perSecond: number
  readonly cpuMicros: number
}

/** Of two runs of as many deliveries, in the time that both took. */
function meanOf(one: Delivered, other: Delivered): Delivered {
  return {
    perSecond: 2 / (1 / one.perSecond + 1 / other.perSecond),
    cpuMicros: (one.cpuMicros + other.cpuMicros) / 2,
  }
}

/** A target with its clients. `run` publishes all rounds, and waits until they have arrived. */
async function crowded(target: Target, tell: BenchOptions['tell']) {
  const crowd = startClients(target.port)
  const close = async (): Promise<void> => {
    crowd.stop()
    await target.close()
  }
  try {
    await target.publish()
    tell(`gateway: ${clients} clients subscribe to ${target.name}`)
    await crowd.until('subscribed', deliveriesOfRound)
  } catch (error) {
    await close()
    throw error
  }
  let sent = crowd.seen.updates
  return {
    name: target.name,
    async run(): Promise<Delivered> {
      const from = performance.now()
      const used = process.cpuUsage()
      for (let round = 0; round < rounds; round++) {
        await crowd.until('updates', sent - roundsAheadMax * deliveriesOfRound)
        await target.publish()
        sent += deliveriesOfRound
        await setImmediate()
      }
      await crowd.until('updates', sent)
      const { user, system } = process.cpuUsage(used)
      const deliveries = rounds * deliveriesOfRound
      return {
        perSecond: deliveries / ((performance.now() - from) / 1000),
        cpuMicros: (user + system) / deliveries,
      }
    },
    close,
  }
}

/**
 * `gateway`: updates of 100 channels to 1,000 clients in another process, 10 channels each, counted by the clients; in turns with bare
 * uWebSockets.js and with `ws`, which are given the texts.
 */
export async function gateway(options: BenchOptions): Promise<BenchOutcome> {
  const makers = [
    ownTarget,
    async () => rawTarget('bare uWebSockets.js', await startRawUws()),
    async () => rawTarget('ws', await startWs()),
  ]
  const all: Awaited<ReturnType<typeof crowded>>[] = []
  try {
    for (const make of makers) all.push(await crowded(await make(), options.tell))
    const turns = await repeated(options.runs, async () => {
      // There and back: what the machine gains or loses meanwhile falls on all alike.
      const there: Delivered[] = []
      for (const one of all) there.push(await one.run())
      const back: Delivered[] = []
      for (const one of all.toReversed()) back.unshift(await one.run())
      return there.map((first, i) => meanOf(first, back[i] ?? first))
    })
    const measuresOf = (i: number): Measures => ({
      deliveriesPerSecond: spreadOf(turns.map((turn) => turn[i]?.perSecond ?? Number.NaN)),
      cpuMicrosPerDelivery: spreadOf(turns.map((turn) => turn[i]?.cpuMicros ?? Number.NaN)),
    })
    /** Ours over another's, of each turn. */
    const ratioTo = (i: number) =>
      spreadOf(turns.map((turn) => (turn[0]?.perSecond ?? Number.NaN) / (turn[i]?.perSecond ?? Number.NaN)))
    return {
      bench: 'gateway',
      runs: options.runs,
      measures: { ...measuresOf(0), clients, channels, channelsOfClient },
      cases: Object.fromEntries(
        all.slice(1).map(({ name }, i) => [name, { ratio: ratioTo(i + 1), ...measuresOf(i + 1) }]),
      ),
    }
  } finally {
    for (const one of all) await one.close()
  }
}
