import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { z } from 'zod'
import { invariant } from '../schemas/errors.ts'
import type { Pass } from './engine-run.ts'
import type { Stage } from './kafka-stage.ts'
import { missing } from './needs.ts'

const root = join(import.meta.dirname, '..')
const runMsMax = 300_000
/** `USER_HZ`: what a tick of `/proc/<pid>/stat` is, on every Linux of today. */
const microsPerJiffy = 10_000

const loopCandle = z.object({ s: z.string(), w: z.number(), n: z.number() })

/** Path of the peers' hand-written kafkajs loop. @throws {FatalError} `BENCH_NEEDS`. */
export function loopPath(): string {
  const shared = resolve(process.env['SHARED_DIR'] ?? join(root, '..', 'shared'))
  const path = join(shared, 'peers', 'node', 'loop.js')
  if (!existsSync(path)) throw missing("the peers' loop, peers/node/loop.js in SHARED_DIR", 'it is not there')
  return path
}

async function usageOf(pid: number): Promise<{ cpuMicros: number; rssMiB: number }> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const peakKiB = Number(/VmHWM:\s+(\d+)/.exec(status)?.[1])
  return { cpuMicros: (Number(fields[11]) + Number(fields[12])) * microsPerJiffy, rssMiB: Math.round(peakKiB / 1024) }
}

/** Watches a topic of candles until it holds every one that the backlog makes. */
async function candlesComplete(
  stage: Stage,
  topic: string,
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
        const { s, w, n } = loopCandle.parse(JSON.parse(String(value)))
        const key = `${s}|${w}`
        if (!seen.has(key)) trades += n
        seen.set(key, n)
        if (seen.size < baseCandles) continue
        if (trades === ticks) finish(appendTime)
        else fail(new Error(`the loop's candles hold ${trades} of ${ticks} ticks`))
        break
      }
      return undefined
    },
  })
  return { done, close: () => reader.close() }
}

let passes = 0

/**
 * Works the backlog off once with the peers' loop, on our Node and our kafkajs and avsc, into a new topic. The loop
 * never ends: it is over at the broker's append time of the candle that makes the set complete.
 */
export async function runLoop(stage: Stage, path: string, partitions: number): Promise<Pass> {
  const name = `${stage.prefix}loop-out-${++passes}`
  const config = { 'message.timestamp.type': 'LogAppendTime' }
  await stage.broker.admin.createTopic({ topic: name, partitions, config })
  const output = await candlesComplete(stage, name)
  const startedAt = Date.now()
  const loop = spawn(process.execPath, [path], {
    env: {
      PATH: process.env['PATH'],
      NODE_PATH: join(root, 'node_modules'),
      BOOT: stage.brokers,
      TOPIC: stage.loopTopic,
      OUT: name,
      RUNID: name,
      MODE: 'eachBatch',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let errors = ''
  loop.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-2000)
  })
  let firstRecordAt = 0
  createInterface(loop.stdout).on('line', (line) => {
    if (line.startsWith('FIRST ')) firstRecordAt = Number(line.slice(6))
  })
  const ended = new Promise<never>((_, reject) => {
    loop.once('exit', (code) => reject(new Error(`the loop ended with ${code}: ${errors}`)))
  })
  ended.catch(() => undefined)
  const timer = setTimeout(() => loop.kill('SIGKILL'), runMsMax)
  try {
    const lastAt = await Promise.race([output.done, ended])
    const { cpuMicros, rssMiB } = await usageOf(loop.pid ?? 0)
    const { ticks } = stage.backlog
    invariant(firstRecordAt > 0, 'the loop told of its first record')
    return {
      ticksPerSecond: ticks / ((lastAt - firstRecordAt) / 1000),
      ticksPerSecondFromStart: ticks / ((lastAt - startedAt) / 1000),
      cpuMicrosPerTick: cpuMicros / ticks,
      rssMiB,
    }
  } finally {
    clearTimeout(timer)
    loop.kill('SIGKILL')
    await ended.catch(() => undefined)
    await output.close()
  }
}
