import {
  copyFileSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { StoredRecord } from '../../ports/broker.ts'
import { numberValue } from '../contract/number-decoder.ts'
import { realClock } from '../contract/real-clock.ts'
import { numbers, range, textLike, until } from '../contract/subject.ts'
import { createEmbeddedBroker, type EmbeddedBroker } from './embedded-broker.ts'

const topic = 'ticks'
const segmentBytes = 64 * 1024
const sendsMax = 60

describe('a log after a crash', () => {
  const root = mkdtempSync(join(tmpdir(), 'redwick-recovery-'))
  const original = join(root, 'original')
  const folder = join(original, topic, '0')
  /** End of each append: offset after it, and size of the last file when it was in. */
  const appends: { offset: number; file: string; bytes: number }[] = []
  let copies = 0

  const open = (dir: string) => createEmbeddedBroker({ dir, clock: realClock(), segmentBytes })

  function copy(): string {
    copies += 1
    const dir = join(root, `copy-${copies}`)
    cpSync(original, dir, { recursive: true })
    return dir
  }

  beforeAll(async () => {
    const broker = open(original)
    await broker.admin.createTopic({ topic, partitions: 1 })
    const producer = await broker.createProducer()
    let value = 0
    for (let send = 0; send < sendsMax; send++) {
      const count = 1 + ((send * 7) % 40)
      await producer.send(topic, numbers(value, value + count, 0, 8 + ((send * 31) % 200)))
      value += count
      const file = segmentFiles(folder).at(-1) ?? ''
      appends.push({ offset: value, file, bytes: statSync(join(folder, file)).size })
    }
    await broker.close()
    expect(segmentFiles(folder).length).toBeGreaterThanOrEqual(2)
  })

  afterAll(() => rmSync(root, { recursive: true }))

  // Goal: whatever a crash leaves of the newest file, exactly the whole appends before the cut are there.
  // Method: cut it at 200 places spread over every byte position class, open, compare, write on, open again.
  it('holds exactly the whole appends before the cut, wherever it falls', async () => {
    const last = segmentFiles(folder).at(-1) ?? ''
    const size = statSync(join(folder, last)).size
    const dir = copy()
    for (let i = 0; i < 200; i++) {
      const cut = (i * 7_919 + 13 * i * i) % (size + 1)
      const path = join(dir, topic, '0', last)
      copyFileSync(join(folder, last), path)
      truncateSync(path, cut)
      const whole = appends.filter(({ file, bytes }) => file < last || (file === last && bytes <= cut)).at(-1)
      const expected = whole?.offset ?? 0
      const boundary = whole?.file === last ? whole.bytes : 0
      const broker = open(dir)
      expect([...(await broker.admin.offsets(topic))]).toEqual([[0, { earliest: 0, latest: expected }]])
      expect(broker.truncations).toEqual(
        cut === boundary ? [] : [{ path, offset: expected, bytes: cut - boundary, records: 0 }],
      )
      if (i % 20 === 0) {
        const producer = await broker.createProducer()
        await producer.send(topic, numbers(expected, expected + 3))
        expect(await valuesOf(broker, expected + 3)).toEqual(range(0, expected + 3))
        await broker.close()
        const again = open(dir)
        expect(again.truncations).toEqual([])
        expect((await again.admin.offsets(topic)).get(0)?.latest).toBe(expected + 3)
        await again.close()
      } else await broker.close()
    }
  })

  it('is cut at damage in the newest file, and says how much went', async () => {
    const last = segmentFiles(folder).at(-1) ?? ''
    const inLast = appends.filter(({ file }) => file === last)
    const [first] = inLast
    const end = inLast.at(-1)
    if (first === undefined || end === undefined) throw new Error('the last file has appends')
    const dir = copy()
    flip(join(dir, topic, '0', last), first.bytes + 40)
    const broker = open(dir)
    expect(broker.truncations).toMatchObject([
      { offset: first.offset, bytes: end.bytes - first.bytes, records: end.offset - first.offset },
    ])
    expect(await valuesOf(broker, first.offset)).toEqual(range(0, first.offset))
    await broker.close()
  })

  it('refuses damage in an older file, naming the file and the offset', async () => {
    const [oldest = ''] = segmentFiles(folder)
    const dir = copy()
    const path = join(dir, topic, '0', oldest)
    flip(path, (appends[1]?.bytes ?? 0) + 40)
    const broker = open(dir)
    const errors: Error[] = []
    await broker.read({ topic, from: 'earliest', onRecords: () => undefined, onError: (error) => errors.push(error) })
    await until(() => errors.length > 0, 'the failure')
    expect(errors).toMatchObject([{ code: 'LOG_CORRUPT' }])
    expect(errors[0]?.message).toContain(path)
    expect(errors[0]?.message).toContain(`offset ${appends[1]?.offset}`)
    await broker.close()
  })

  it('refuses an older file that lost its end', async () => {
    const [oldest = ''] = segmentFiles(folder)
    const dir = copy()
    const path = join(dir, topic, '0', oldest)
    truncateSync(path, appends[0]?.bytes ?? 0)
    const broker = open(dir)
    const errors: Error[] = []
    await broker.read({ topic, from: 'earliest', onRecords: () => undefined, onError: (error) => errors.push(error) })
    await until(() => errors.length > 0, 'the failure')
    expect(errors).toMatchObject([{ code: 'LOG_CORRUPT', message: textLike(path) }])
    await broker.close()
  })

  it('completes a transaction of several partitions that a crash cut in two', async () => {
    const dir = join(root, 'transaction')
    const broker = open(dir)
    await broker.admin.createTopic({ topic, partitions: 2 })
    const producer = await broker.createTransactionalProducer('t')
    await producer.send([{ topic, records: [...numbers(0, 2, 0), ...numbers(0, 2, 1)] }])
    const { topicId } = (await broker.admin.describeTopic(topic)) ?? {}
    const plain = await broker.createProducer()
    await plain.send(topic, numbers(2, 4, 0)) // the first half of the transaction
    await broker.close()
    const records = [2, 3].map((value) => ({ key: null, value: numberValue(value).toString('base64'), headers: {} }))
    const text = JSON.stringify([0, 1].map((partition) => ({ topicId, partition, baseOffset: 2, records })))
    const { crc32 } = await import('node:zlib')
    writeFileSync(join(dir, '.transaction'), `${crc32(text)}\n${text}`)
    const again = open(dir)
    expect([...(await again.admin.offsets(topic))].map(([, { latest }]) => latest)).toEqual([4, 4])
    expect(readdirSync(dir)).not.toContain('.transaction')
    await again.close()
  })

  it('keeps topic ids and group offsets over a restart', async () => {
    const dir = copy()
    const broker = open(dir)
    const described = await broker.admin.describeTopic(topic)
    await broker.close()
    const again = open(dir)
    expect(await again.admin.describeTopic(topic)).toEqual(described)
    await again.close()
  })
})

function segmentFiles(dir: string): string[] {
  return readdirSync(dir).sort()
}

function flip(path: string, at: number): void {
  const bytes = readFileSync(path)
  bytes.writeUInt8(bytes.readUInt8(at) ^ 0x10, at)
  writeFileSync(path, bytes)
}

async function valuesOf(broker: EmbeddedBroker, count: number): Promise<number[]> {
  const records: StoredRecord[] = []
  const reader = await broker.read({
    ...{ topic, from: 'earliest' as const },
    async onRecords(_partition, more) {
      records.push(...more)
    },
    onError(error) {
      throw error
    },
  })
  await until(() => records.length >= count, `${count} records`)
  await reader.close()
  return records.map(({ value }) => value?.readDoubleLE() ?? Number.NaN)
}
