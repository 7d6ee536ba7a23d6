import { expect, it } from 'vitest'
import type { OffsetRange, ReadOptions, StoredRecord } from '../ports/broker.ts'
import { type ControlRecord, controlAvro } from '../schemas/control.ts'
import { createControlDecoder, createControlEncoder } from '../schemas/control-codec.ts'
import { TransientError } from '../schemas/errors.ts'
import { readFeedPosition, tailRecordsFirst, tailRecordsMax } from './feed-position.ts'

const encode = createControlEncoder(3)

function heartbeat(line: string, cursor: string | null): ControlRecord {
  return { kind: 'heartbeat', line, from: 0, to: 1, cursor }
}

type Content = ControlRecord | 'tick' | 'damaged'

function stored(partition: number, offset: number, content: Content): StoredRecord {
  const isTick = content === 'tick'
  const value = typeof content === 'string' ? Buffer.from([0, 0, 0, 0, 3, 1]) : encode(content)
  return { partition, offset, appendTime: 0, key: null, value, headers: isTick ? {} : { redwick: 'heartbeat' } }
}

/** A log whose every record is a tick, save those given. */
interface Log {
  readonly latest: number
  readonly at?: ReadonlyMap<number, Content>
}

function brokerOf(logs: readonly Log[], isSilent = false) {
  const reads: ReadonlyMap<number, number>[] = []
  let open = 0
  const deliver = async ({ from, onRecords }: ReadOptions) => {
    if (typeof from === 'string' || 'timestampMs' in from || isSilent) return
    for (const [partition, start] of from) {
      const { latest = 0, at } = logs[partition] ?? {}
      for (let first = start; first < latest; first += 1_000) {
        const length = Math.min(1_000, latest - first)
        const page = Array.from({ length }, (_, i) => stored(partition, first + i, at?.get(first + i) ?? 'tick'))
        await onRecords(partition, page)
      }
    }
  }
  const broker = {
    admin: {
      offsets: async () => new Map(logs.map(({ latest }, i): [number, OffsetRange] => [i, { earliest: 0, latest }])),
    },
    async read(options: ReadOptions) {
      if (options.from instanceof Map) reads.push(options.from)
      open++
      setImmediate(() => void deliver(options))
      return {
        startOffsets: new Map<number, number>(),
        close: async () => {
          open--
        },
      }
    },
  }
  return { broker, reads, left: () => open }
}

async function positionOf(logs: readonly Log[], some: { silent?: boolean; registryDown?: boolean } = {}) {
  const { broker, reads, left } = brokerOf(logs, some.silent)
  const down = new TransientError({ code: 'REGISTRY_UNREACHABLE', message: 'down' })
  const decodeControl = createControlDecoder(async () => {
    if (some.registryDown === true) throw down
    return controlAvro
  })
  try {
    const { cursors } = await readFeedPosition({ broker, topic: 'ticks', line: 'sim', decodeControl, quietMs: 50 })
    return { cursors: [...cursors], reads: reads.length }
  } finally {
    expect(left()).toBe(0)
  }
}

it('the last heartbeat of the line with a cursor counts, in each partition', async () => {
  const at = new Map<number, Content>([
    [0, heartbeat('sim', 'old')],
    [1, heartbeat('sim', 'new')],
    [3, heartbeat('sim', null)],
    [4, heartbeat('other', 'foreign')],
    [5, 'damaged'],
  ])
  const found = await positionOf([
    { latest: 8, at },
    { latest: 0 },
    { latest: 2, at: new Map([[1, heartbeat('sim', 'x')]]) },
  ])
  expect(new Map(found.cursors)).toEqual(
    new Map([
      [0, 'new'],
      [2, 'x'],
    ]),
  )
  expect(found.reads).toBe(1)
})

it('an empty topic is not read', async () => {
  expect(await positionOf([{ latest: 0 }])).toEqual({ cursors: [], reads: 0 })
})

it('a cursor far back is found by reading more, only where it is missing', async () => {
  const far = { latest: 20 * tailRecordsFirst, at: new Map([[5 * tailRecordsFirst, heartbeat('sim', 'far')]]) }
  const near = { latest: 10, at: new Map([[9, heartbeat('sim', 'near')]]) }
  const found = await positionOf([far, near])
  expect(new Map(found.cursors)).toEqual(
    new Map([
      [0, 'far'],
      [1, 'near'],
    ]),
  )
  expect(found.reads).toBe(3)
})

it('reading back ends at a bound', async () => {
  const lost = { latest: tailRecordsMax * 2, at: new Map([[0, heartbeat('sim', 'lost')]]) }
  expect(await positionOf([lost])).toEqual({ cursors: [], reads: 4 })
}, 30_000)

it.each([
  { name: 'a broker that gives nothing', some: { silent: true }, code: 'FEED_POSITION_UNREAD' },
  { name: 'a registry that is down', some: { registryDown: true }, code: 'REGISTRY_UNREACHABLE' },
])('$name is not a new line', async ({ some, code }) => {
  const failing = positionOf([{ latest: 3, at: new Map([[1, heartbeat('sim', 'a')]]) }], some)
  await expect(failing).rejects.toMatchObject({ code })
})
