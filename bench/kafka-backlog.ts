import type { Broker, OutgoingRecord } from '../ports/broker.ts'
import { createAvroWriter } from '../schemas/avro-writer.ts'
import { controlHeader } from '../schemas/control.ts'
import { partitionOfKey } from '../schemas/partitioner.ts'
import type { Tick } from '../schemas/tick.ts'
import type { Codecs } from '../topology/codecs.ts'
import { generatedSpanMs, generatedStartMs, generatedTicks } from './generated-ticks.ts'

/** Records of one produce call: about 64 KiB a partition, as the peers' generator sends them. */
const recordsPerSend = 4_000
/** Up to what a tick arrives late; the peers wait this long before it closes a candle. */
const jitterMs = 5_000
const baseMs = 60_000

export interface Backlog {
  readonly ticks: number
  /** One-minute candles that the ticks make. */
  readonly baseCandles: number
}

export interface BacklogOptions {
  readonly broker: Broker
  readonly codecs: Codecs
  readonly topic: string
  /** A second topic that holds the same ticks as the peers read them. */
  readonly peerTopic: string | undefined
  readonly ticks: number
  readonly symbols: number
  readonly partitions: number
}

/** The tick of the peers: `symbol, price, size, ts, seq` under schema id 1. */
function createPeerTickEncoder(): (tick: Pick<Tick, 'symbol' | 'price' | 'size' | 'eventTime'>, seq: number) => Buffer {
  const writer = createAvroWriter(1)
  return ({ symbol, price, size, eventTime }, seq) => {
    writer.start()
    writer.string(symbol)
    writer.double(price)
    writer.double(size)
    writer.long(eventTime)
    writer.long(seq)
    return writer.finish()
  }
}

/**
 * Produces the backlog that the engine (and the peers) work off. At the end stands what closes every window: `end`
 * for us; for the peers a tick of a far later time in each partition.
 */
export async function produceBacklog(options: BacklogOptions): Promise<Backlog> {
  const { broker, codecs, topic, peerTopic, ticks, symbols, partitions } = options
  const encodePeerTick = createPeerTickEncoder()
  const topics = [topic, ...(peerTopic === undefined ? [] : [peerTopic])]
  for (const each of topics)
    await broker.admin.createTopic({ topic: each, partitions, config: { 'message.timestamp.type': 'LogAppendTime' } })
  const producer = await broker.createProducer()
  let ours: OutgoingRecord[] = []
  let theirs: OutgoingRecord[] = []
  const send = async (): Promise<void> => {
    await producer.send(topic, ours)
    if (peerTopic !== undefined) await producer.send(peerTopic, theirs)
    ours = []
    theirs = []
  }
  const candles = new Set<string>()
  const partitionOf = new Map<string, number>()
  let seq = 0
  for (const tick of generatedTicks({ ticks, symbols, jitterMs })) {
    const { symbol: key, eventTime } = tick
    const partition = partitionOf.get(key) ?? partitionOfKey(key, partitions)
    partitionOf.set(key, partition)
    candles.add(`${key}|${Math.floor(eventTime / baseMs)}`)
    ours.push({ partition, key, value: codecs.encodeTick(tick) })
    if (peerTopic !== undefined) theirs.push({ partition, key, value: encodePeerTick(tick, seq++) })
    if (ours.length >= recordsPerSend) await send()
  }
  const eventTime = generatedStartMs + generatedSpanMs + 10 * baseMs
  const end = codecs.encodeControl({ kind: 'end', line: 'bench' })
  for (let partition = 0; partition < partitions; partition++) {
    ours.push({ partition, key: null, value: end, headers: { [controlHeader]: 'end' } })
    const key = `ZFLUSH${partition}`
    theirs.push({ partition, key, value: encodePeerTick({ symbol: key, price: 1, size: 1, eventTime }, seq++) })
  }
  await send()
  await producer.close()
  return { ticks, baseCandles: candles.size }
}
