import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import type { Clock } from '../../ports/clock.ts'
import { realClock } from '../contract/real-clock.ts'
import { numbers, range, until } from '../contract/subject.ts'
import { createEmbeddedBroker } from './embedded-broker.ts'

const hour = 3_600_000
const dirs: string[] = []

afterEach(() => {
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true })
})

/** A clock that a test moves; what is due each `ms` runs with the move. */
function movedClock(): Clock & { move(ms: number): void } {
  let now = Date.UTC(2026, 0, 1)
  const tasks = new Set<() => void>()
  return {
    ...realClock(),
    now: () => now,
    every(_ms, task) {
      tasks.add(task)
      return () => tasks.delete(task)
    },
    move(ms) {
      now += ms
      for (const task of tasks) task()
    },
  }
}

it.each(['memory', 'folder'])('stays within its bytes through 24 hours, in %s', async (place) => {
  const clock = movedClock()
  const broker = createEmbeddedBroker({
    ...{ clock, segmentBytes: 64 * 1024, retentionBytes: 512 * 1024 },
    ...(place === 'folder' ? { dir: temporaryDir() } : {}),
  })
  await broker.admin.createTopic({ topic: 't', partitions: 2 })
  const producer = await broker.createProducer()
  let held = 0
  for (let minute = 0; minute < 24 * 60; minute++) {
    await producer.send('t', [...numbers(0, 20, 0, 100), ...numbers(0, 20, 1, 100)])
    clock.move(60_000)
    const { earliest = 0, latest = 0 } = (await broker.admin.offsets('t')).get(0) ?? {}
    held = Math.max(held, latest - earliest)
  }
  const perPartition = 256 * 1024 + 64 * 1024
  expect(held * 112).toBeLessThanOrEqual(perPartition)
  expect(held * 112).toBeGreaterThan(200 * 1024)
  await broker.close()
})

it('forgets what is older than the topic keeps, though its file never fills, and though it is quiet', async () => {
  const clock = movedClock()
  const dir = temporaryDir()
  const broker = createEmbeddedBroker({ clock, dir })
  const config = { 'cleanup.policy': 'delete', 'retention.ms': '600000' }
  await broker.admin.createTopic({ topic: 'candles.live', partitions: 1, config })
  const producer = await broker.createProducer()
  for (let minute = 0; minute < 24 * 60; minute++) {
    await producer.send('candles.live', numbers(minute, minute + 1))
    clock.move(60_000)
    const { earliest = 0 } = (await broker.admin.offsets('candles.live')).get(0) ?? {}
    expect(minute + 1 - earliest).toBeLessThanOrEqual(18)
  }
  for (let i = 0; i < 10; i++) clock.move(5 * 60_000)
  expect((await broker.admin.offsets('candles.live')).get(0)).toEqual({ earliest: 1440, latest: 1440 })
  expect(readdirSync(join(dir, 'candles.live', '0')).length).toBe(1)
  await broker.close()
  const again = createEmbeddedBroker({ clock, dir })
  expect((await again.admin.offsets('candles.live')).get(0)).toEqual({ earliest: 1440, latest: 1440 })
  await again.close()
})

it('never deletes from a retained offset on', async () => {
  const clock = movedClock()
  const broker = createEmbeddedBroker({ clock, segmentBytes: 64 * 1024, retentionBytes: 128 * 1024 })
  await broker.admin.createTopic({ topic: 't', partitions: 1 })
  broker.retainFrom('t', new Map([[0, 5]]))
  const producer = await broker.createProducer()
  for (let i = 0; i < 300; i++) await producer.send('t', numbers(i, i + 1, 0, 8_192))
  clock.move(30 * 24 * hour)
  expect((await broker.admin.offsets('t')).get(0)).toEqual({ earliest: 0, latest: 300 })
  broker.retainFrom('t', new Map([[0, 250]]))
  broker.retain()
  const { earliest = 0 } = (await broker.admin.offsets('t')).get(0) ?? {}
  expect(earliest).toBeGreaterThan(200)
  expect(earliest).toBeLessThanOrEqual(250)
  await broker.close()
})

it.each(['memory', 'folder'])('keeps the newest record of each key of a compacted topic, in %s', async (place) => {
  const clock = movedClock()
  const dir = place === 'folder' ? temporaryDir() : undefined
  const open = () => createEmbeddedBroker({ clock, segmentBytes: 64 * 1024, ...(dir === undefined ? {} : { dir }) })
  let broker = open()
  await broker.admin.createTopic({ topic: 'state', partitions: 1, config: { 'cleanup.policy': 'compact' } })
  const producer = await broker.createProducer()
  const last = new Map<string, number>()
  for (let i = 0; i < 3_000; i += 10) {
    const records = numbers(i, i + 10, 0, 200).map((record, at) => ({ ...record, key: `key-${((i + at) * 7) % 13}` }))
    const base = (await producer.send('state', records))[0]?.baseOffset ?? 0
    for (const [at, { key }] of records.entries()) last.set(key, base + at)
  }
  if (dir !== undefined) {
    await broker.close()
    broker = open()
  }
  const found = new Map<string, number>()
  let records = 0
  const offsets: number[] = []
  const reader = await broker.read({
    ...{ topic: 'state', from: 'earliest' as const },
    async onRecords(_partition, more) {
      for (const { key, offset } of more) {
        found.set(String(key), offset)
        offsets.push(offset)
        records += 1
      }
    },
    onError(error) {
      throw error
    },
  })
  await until(() => offsets.at(-1) === 2_999, 'the last record')
  expect([...found].sort()).toEqual([...last].sort())
  expect(records).toBeLessThan(600)
  expect(offsets).toEqual([...offsets].sort((a, b) => a - b))
  expect((await broker.admin.offsets('state')).get(0)).toEqual({ earliest: 0, latest: 3_000 })
  await reader.close()
  await broker.close()
})

it('finds the first record of a time across files', async () => {
  const clock = movedClock()
  const broker = createEmbeddedBroker({ clock, dir: temporaryDir(), segmentBytes: 64 * 1024, memoryBytes: 0 })
  await broker.admin.createTopic({ topic: 't', partitions: 1 })
  const producer = await broker.createProducer()
  const start = clock.now()
  for (const value of range(0, 100)) {
    await producer.send('t', numbers(value, value + 1, 0, 4_096))
    clock.move(1_000)
  }
  for (const second of [0, 1, 15, 16, 50, 99, 100]) {
    const from = { timestampMs: start + second * 1_000 }
    const reader = await broker.read({ topic: 't', from, onRecords: () => undefined, onError: () => undefined })
    expect(reader.startOffsets.get(0)).toBe(second)
    await reader.close()
  }
  await broker.close()
})

function temporaryDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'redwick-retention-'))
  dirs.push(dir)
  return dir
}
