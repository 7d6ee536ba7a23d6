import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { z } from 'zod'
import { invariant } from '../schemas/errors.ts'
import type { Pass } from './engine-run.ts'
import type { Stage } from './kafka-stage.ts'
import type { Peer } from './peer.ts'
import { usageOf } from './process-usage.ts'

const runMsMax = 300_000

const peerCandle = z.object({ s: z.string(), w: z.number(), n: z.number() })

/** Watches a topic of candles until it holds every one that the backlog makes. */
async function candlesComplete(
  stage: Stage,
  topic: string,
  isTransactional: boolean,
): Promise<{ done: Promise<number>; close(): Promise<void> }> {
  const { ticks, baseCandles } = stage.backlog
  const seen = new Map<string, number>()
  let trades = 0
  let finish: (at: number) => void = () => undefined
  let fail: (error: Error) => void = () => undefined
  const done = new Promise<number>((yes, no) => {
    finish = yes
    fail = no
  })
  const reader = await stage.broker.read({
    topic,
    from: 'earliest',
    onError: (error) => fail(error),
    onRecords(_, records) {
      for (const { value, appendTime } of records) {
        const { s, w, n } = peerCandle.parse(JSON.parse(String(value)))
        const key = `${s}|${w}`
        if (!seen.has(key)) trades += n
        seen.set(key, n)
        if (seen.size < baseCandles) continue
        // What stands in a transaction is a result when that is committed.
        if (trades === ticks) finish(isTransactional ? Date.now() : appendTime)
        else fail(new Error(`the candles hold ${trades} of ${ticks} ticks`))
        break
      }
      return undefined
    },
  })
  return { done, close: () => reader.close() }
}

let passes = 0

/**
 * Works the backlog off once with a peer, into a new topic. A peer never ends: it is over at the broker's append time of the
 * candle that makes the set complete, or where that stands in a transaction, when it can be read.
 */
export async function runPeer(stage: Stage, peer: Peer, partitions: number): Promise<Pass> {
  const name = `${stage.prefix}peer-out-${++passes}`
  const config = { 'message.timestamp.type': 'LogAppendTime' }
  await stage.broker.admin.createTopic({ topic: name, partitions, config })
  const output = await candlesComplete(stage, name, peer.isTransactional)
  const startedAt = Date.now()
  const child = spawn(peer.command, peer.args, {
    env: {
      PATH: process.env['PATH'],
      BOOT: stage.brokers,
      TOPIC: stage.peerTopic,
      OUT: name,
      RUNID: name,
      ...peer.environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-2000)
  })
  let firstRecordAt = 0
  createInterface(child.stdout).on('line', (line) => {
    if (line.startsWith('FIRST ')) firstRecordAt = Number(line.slice(6))
  })
  const ended = new Promise<never>((_, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`${peer.name} ended with ${code}: ${errors}`)))
  })
  ended.catch(() => undefined)
  const timer = setTimeout(() => child.kill('SIGKILL'), runMsMax)
  try {
    const lastAt = await Promise.race([output.done, ended])
    const { cpuMicros, rssMiB } = await usageOf(child.pid ?? 0)
    const { ticks } = stage.backlog
    invariant(firstRecordAt > 0, `${peer.name} told of its first record`)
    return {
      ticksPerSecond: ticks / ((lastAt - firstRecordAt) / 1000),
      ticksPerSecondFromStart: ticks / ((lastAt - startedAt) / 1000),
      cpuMicrosPerTick: cpuMicros / ticks,
      rssMiB,
    }
  } finally {
    clearTimeout(timer)
    child.kill('SIGKILL')
    await ended.catch(() => undefined)
    await output.close()
  }
}
