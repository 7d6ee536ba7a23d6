import { describe, expect, it } from 'vitest'
import { aggregate } from '../../processors/operators/aggregate.ts'
import { flatMap } from '../../processors/operators/flat-map.ts'
import { map } from '../../processors/operators/map.ts'
import { sessionWindows, tumblingWindows } from '../../processors/operators/windows.ts'
import { order, orderAvro, orders, sum, totalAvro, totals, watermark } from '../../test/shop-topology.ts'
import { sessions } from '../examples/sessions.ts'
import { toCallback, toTable, toTopic } from '../records/sinks.ts'
import { coPartition, topic } from '../sources.ts'
import { topology } from '../topology.ts'
import { topologyDriver } from './topology-driver.ts'

describe('a driven topology', () => {
  it('takes records through every stage, and shows what a commit holds', () => {
    const driver = topologyDriver(sessions, { partitions: 2, startMs: 10_000_000 })
    driver.pipe('examples.views', [
      { page: '/a', user: 'ann', at: 1000, ms: 5 },
      { page: '/b', user: 'ann', at: 61_000, ms: 7 },
    ])
    // Nobody looks at anything for 30 minutes, and partitions without records hold nothing up.
    driver.pipe('examples.views', [{ page: '/a', user: 'bob', at: 61_000 + 31 * 60_000, ms: 1 }])
    driver.advanceWallClock('3s')
    expect(driver.table('session_activity')).toEqual([])
    driver.commit()
    expect(driver.table('session_activity')).toEqual([
      { user_id: 'ann', began: 1000, ended: 61_000 + 30 * 60_000, views: 2, pages: 2, ms: 12 },
    ])
    expect(driver.counts().map(({ breach }) => breach)).toEqual([0, 0, 0, 0])
  })

  it('writes finals and corrections to a table, a topic and a callback', () => {
    const driver = topologyDriver(totals, { partitions: 1 })
    driver.pipe('shop.orders', [order('1', 2000, 5), order('2', 11_000, 1), order('3', 4000, 2)])
    driver.commit()
    expect(driver.table('totals')).toEqual([{ customer: 'ann', start: 0, amount: 7 }])
    expect(driver.topic('shop.totals')).toEqual([
      { key: 'ann', value: { customer: 'ann', amount: 5 }, flag: 'final', id: 'orders/0/1', partition: 0 },
      { key: 'ann', value: { customer: 'ann', amount: 7 }, flag: 'correction', id: 'orders/0/3', partition: 0 },
    ])
    expect(driver.callbacks('tell').map(({ flag, value }) => [flag, value])).toEqual([
      ['final', { start: 0, end: 10_000, value: 5, revision: 1 }],
      ['correction', { start: 0, end: 10_000, value: 7, revision: 2 }],
    ])
  })

  it('gives side outputs to their sinks', () => {
    const driver = topologyDriver(totals, { partitions: 1 })
    driver.pipe('shop.orders', [order('1', 2000, 5), order('2', 30_000, 5000), order('3', 3000, 2)])
    driver.commit()
    expect(driver.callbacks('was-large').map(({ value }) => value)).toEqual([order('2', 30_000, 5000)])
    expect(driver.callbacks('came-late').map(({ value }) => value)).toEqual([order('3', 3000, 2)])
    expect(driver.late()).toMatchObject([{ stage: 'orders', symbol: 'ann', reason: 'late', count: 1 }])
  })

  it('lets two sinks write one topic, each with what its own function says', () => {
    const named = (name: string) =>
      toTopic('shop.names', {
        schema: totalAvro,
        value: (_: unknown, { key }) => ({ customer: `${name} ${key}`, amount: 0 }),
      })
    const twice = orders.to(named('first'), named('second'))
    const driver = topologyDriver(twice, { partitions: 1 })
    driver.pipe('shop.orders', [order('1', 1, 1)])
    driver.commit()
    expect(driver.topic('shop.names').map(({ value }) => value)).toEqual([
      { customer: 'first 1', amount: 0 },
      { customer: 'second 1', amount: 0 },
    ])
  })

  it('refuses two callbacks of one id', () => {
    const ended = () =>
      orders.to(
        toCallback('tell', () => undefined),
        toCallback('tell', () => undefined),
      )
    expect(ended).toThrow('every callback has an id of its own')
  })

  it('gives updates of open windows to topics and callbacks, not to tables', () => {
    const told = orders
      .pipe(
        aggregate('sums', {
          ...{ window: tumblingWindows('10s'), allowedLateness: '5s', aggregate: sum, emitEvery: '1s' },
        }),
      )
      .to(
        toTable('sums', {
          columns: { id: 'text', amount: 'float8' },
          key: ['id'],
          row: ({ value }, { key }) => ({ id: key, amount: value }),
        }),
        toCallback('tell', () => undefined),
      )
    const driver = topologyDriver(told, { partitions: 1 })
    driver.pipe('shop.orders', [order('1', 1000, 5)])
    driver.advanceWallClock('1s')
    driver.commit()
    expect(driver.callbacks('tell').map(({ flag }) => flag)).toEqual(['update'])
    expect(driver.table('sums')).toEqual([])
  })

  it('makes a dead letter of a record whose callback throws three times', () => {
    const calls: unknown[] = []
    const driver = topologyDriver(totals, {
      partitions: 1,
      callbacks: {
        tell({ value }) {
          calls.push(value)
          throw new Error('unlucky')
        },
      },
    })
    driver.pipe('shop.orders', [order('1', 2000, 13), order('2', 11_000, 1)])
    driver.commit()
    expect(calls).toHaveLength(3)
    // It is a letter of the next commit.
    expect(driver.deadLetters()).toEqual([])
    driver.commit()
    expect(driver.deadLetters()).toMatchObject([
      {
        topic: 'redwick.orders.by-customer',
        partition: 0,
        reason: 'USER_ERROR',
        symbol: 'ann',
        detail: 'tell: unlucky',
      },
    ])
    expect(driver.callbacks('tell')).toEqual([])
  })

  it('throws what a callback rejects with at the next call', async () => {
    const failing = orders.to(toCallback('tell', () => Promise.reject(new Error('too late'))))
    const driver = topologyDriver(failing, { partitions: 1 })
    driver.pipe('shop.orders', [order('1', 2000, 1)])
    driver.commit()
    await Promise.resolve()
    expect(() => driver.commit()).toThrow('too late')
  })

  it('makes a dead letter of a record that a function of the user throws at, with its place, and goes on', () => {
    const strict = orders
      .pipe(
        map((value) => {
          if (value.amount < 0) throw new RangeError('less than nothing')
          return value.amount
        }),
      )
      .to(
        toTable('amounts', {
          columns: { id: 'text', n: 'float8' },
          key: ['id'],
          row: (n, { key }) => ({ id: key, n }),
        }),
      )
    const driver = topologyDriver(strict, { partitions: 1 })
    driver.pipe('shop.orders', [order('a', 1, 3), order('b', 2, -1), order('c', 3, 4)])
    driver.pipeBytes('shop.orders', 0, Buffer.from('nonsense'))
    driver.commit()
    expect(driver.table('amounts').map(({ id }) => id)).toEqual(['a', 'c'])
    expect(driver.deadLetters()).toMatchObject([
      {
        ...{ topic: 'shop.orders', partition: 0, offset: 1, symbol: 'b', reason: 'USER_ERROR' },
        detail: 'map: less than nothing',
      },
      { topic: 'shop.orders', partition: 0, offset: 3, reason: 'MALFORMED' },
    ])
    expect(driver.counts()).toMatchObject([{ in: 4, used: 2, rejected: 2, breach: 0 }])
  })

  it('takes a retracted row out of its table', () => {
    const visits = orders
      .pipe(aggregate('visits', { window: sessionWindows('10s'), allowedLateness: '1m', aggregate: sum }))
      .to(
        toTable('visits', {
          columns: { id: 'text', start: 'timestamptz', amount: 'float8' },
          key: ['id', 'start'],
          row: ({ start, value }, { key }) => ({ id: key, start, amount: value }),
        }),
      )
    const driver = topologyDriver(visits, { partitions: 1 })
    driver.pipe('shop.orders', [order('a', 5000, 1), order('a', 20_000, 2), order('b', 40_000, 1)])
    driver.commit()
    expect(driver.table('visits').map(({ start }) => start)).toEqual([5000, 20_000])
    // It lies between them: one session from now on.
    driver.pipe('shop.orders', [order('a', 12_000, 4)])
    driver.commit()
    expect(driver.table('visits')).toEqual([{ id: 'a', start: 5000, amount: 7 }])
  })

  it('refuses to bring streams together that have different partition counts', () => {
    const both = topology('both', {
      source: coPartition('by-id', {
        left: { stream: orders, key: ({ id }) => id },
        right: {
          stream: topology('returns', {
            source: topic('shop.returns', { schema: orderAvro, key: 'id', eventTime: 'at' }),
            watermark,
          }),
          key: ({ id }) => id,
        },
      }),
      watermark,
    }).to()
    const open = () => topologyDriver(both, { partitions: { 'shop.orders': 3, 'shop.returns': 5 } })
    expect(open).toThrow(expect.objectContaining({ code: 'PARTITION_COUNTS' }))
    expect(open).toThrow(/shop\.orders with 3 partitions and shop\.returns with 5/)
  })
})

it('the number of records that one becomes does not matter to what is owed', () => {
  const many = orders
    .pipe(flatMap(({ amount }) => Array.from({ length: amount }, (_, i) => i)))
    .to(toTopic('shop.numbers', { schema: totalAvro, value: (n, { key }) => ({ customer: key, amount: n }) }))
  const driver = topologyDriver(many, { partitions: 3, seed: 5 })
  driver.pipe(
    'shop.orders',
    Array.from({ length: 20 }, (_, i) => order(`o${i}`, i, i)),
  )
  driver.commit()
  expect(driver.topic('shop.numbers')).toHaveLength(190)
  expect(new Set(driver.topic('shop.numbers').map(({ id }) => id)).size).toBe(190)
})
