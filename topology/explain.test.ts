import { describe, expect, it } from 'vitest'
import { createLogRig, heartbeat, minute, t0, tick, topics } from '../test/log-rig.ts'
import { explanationText } from './explain-text.ts'

describe('explain and history', () => {
  it('tells that history replaced a candle, and verifies the row that came of it, and the longer ones', async () => {
    const { write, commit, history, explain, rows } = await createLogRig()
    await write(t0 + 400_000, tick(t0 + 1000, 1), tick(t0 + 61_000, 2), tick(t0 + 400_000, 3))
    await history(t0 + 400_000, 'A', t0, t0 + minute, [50, 51])
    await commit()
    const told = await explain(t0)
    expect(told).toMatchObject({ verdict: 'equal', why: '', stored: { open: 50, closedBy: 'history', trades: 2 } })
    expect(told.witness).toMatchObject({ used: { count: 1 }, history: [3], close: { by: 'watermark', offset: 1 } })
    expect(explanationText(told, 5)).toMatch(/^ {2}history replaced buckets of it: 1 markers, the last at offset 3$/m)
    expect(await explain(t0, 300)).toMatchObject({ verdict: 'equal', stored: { open: 50, trades: 3 } })
    expect((await explain(t0 + minute)).witness.history).toEqual([])
    const row = rows.get(`A 300 ${t0}`)
    if (row !== undefined) rows.set(`A 300 ${t0}`, { ...row, high: 1 })
    expect(await explain(t0, 300)).toMatchObject({ verdict: 'different', differences: [{ field: 'high' }] })
  })

  it('tells a candle that history alone made', async () => {
    const { write, commit, history, explain } = await createLogRig()
    await write(t0 + 400_000, tick(t0 + 400_000, 1, { symbol: 'B' }))
    await history(t0 + 400_000, 'A', t0, t0 + minute, [50, 51])
    await commit()
    const told = await explain(t0)
    expect(told).toMatchObject({ verdict: 'equal', stored: { trades: 2 }, witness: { close: { by: 'history' } } })
    expect(explanationText(told, 5)).toMatch(/^ {2}closed by history at offset 1 \(history\), watermark none/m)
  })

  it('verifies nothing of a symbol that is held, and plan leaves it out', async () => {
    const { write, commit, explain, plan, rows, held } = await createLogRig()
    await write(t0 + 400_000, tick(t0 + 1000, 1), tick(t0 + 400_000, 2))
    await commit()
    rows.clear()
    await write(t0 + 500_000, tick(t0 + 420_000, 3, { symbol: 'B' }), { kind: 'end', line: 'l' })
    await commit()
    rows.delete(`A 60 ${t0}`)
    held.push({ partition: 0, symbol: 'A', heldFrom: 1, failedAt: 1, error: 'faulty', historyFrom: 0 })
    const told = await explain(t0)
    expect(told.verdict).toBe('unverified')
    expect(told.why).toContain('from offset 1 on')
    expect(await plan(3_600_000)).toMatchObject({ held: ['A'], changed: 0 })
    held.pop()
    expect(await plan(3_600_000)).toMatchObject({ held: [], changed: 1 })
  })
})

describe('explain', () => {
  it('tells every tick of a candle: used, corrected, twice, late, refused; and what closed it', async () => {
    const { write, commit, explain } = await createLogRig()
    await write(
      t0 + 500_000,
      tick(t0 + 1000, 1),
      tick(t0 + 10_000, 2, { side: 'sell' }),
      tick(t0 + 10_000, 2),
      tick(t0 + 20_000, 3, { price: -1 }),
      tick(t0 + 61_000, 4),
      tick(t0 + 30_000, 5, { price: 90 }),
      tick(t0 + 400_000, 6),
      tick(t0 + 40_000, 7),
    )
    await commit()
    const found = await explain(t0 + 59_999)
    const offsets = (kind: 'used' | 'late' | 'duplicate' | 'rejected') =>
      found.witness[kind].ticks.map(({ offset, note }) => `${offset} ${note}`.trim())
    expect(offsets('used')).toEqual(['0', '1', '5'])
    expect(offsets('duplicate')).toEqual(['2 first at offset 1'])
    expect(offsets('late')).toEqual(['7 the watermark was at 2026-01-01T00:06:39.499Z'])
    expect(offsets('rejected')).toEqual(['3 BAD_PRICE: a price is > 0 and < 1e100, was -1'])
    expect(found.witness.close).toEqual({
      offset: 4,
      record: 'tick of A at 2026-01-01T00:01:01.000Z',
      by: 'watermark',
      watermark: t0 + 60_499,
    })
    expect(found).toMatchObject({ verdict: 'equal', start: t0, differences: [], computed: { low: 90, trades: 3 } })
    expect(found.witness.corrections).toBe(1)
    expect(explanationText(found, 10)).toMatch(
      /ticks used: 3, offsets 0 to 5[\s\S]*1 ticks came after[\s\S]*verdict: equal/,
    )
  })

  it('names the heartbeat that closed a quiet window', async () => {
    const { write, commit, explain } = await createLogRig()
    await write(t0 + minute, tick(t0 + 1000, 1), heartbeat(t0, t0 + 30_000), heartbeat(t0 + 30_000, t0 + 70_000))
    await commit()
    const { witness, verdict } = await explain(t0)
    expect(witness.close).toMatchObject({ offset: 2, by: 'idle', record: 'heartbeat up to 2026-01-01T00:01:10.000Z' })
    expect(verdict).toBe('equal')
  })

  it('tells which base candles a longer one is made of', async () => {
    const { write, commit, explain } = await createLogRig()
    await write(t0 + 900_000, ...[0, 1, 3, 6].map((n) => tick(t0 + n * minute, n + 1)))
    await commit()
    const found = await explain(t0 + 2 * minute, 300)
    expect(found.bases.map(({ start, trades }) => [(start - t0) / minute, trades])).toEqual([
      [0, 1],
      [1, 1],
      [3, 1],
    ])
    expect(found).toMatchObject({ verdict: 'equal', computed: { trades: 3, interval: 300 } })
  })

  it('says of an open candle what it is so far', async () => {
    const { write, commit, explain } = await createLogRig()
    await write(t0 + 900_000, tick(t0 + 1000, 1))
    await commit()
    expect(await explain(t0)).toMatchObject({
      verdict: 'open',
      stored: undefined,
      computed: { trades: 1, final: false },
    })
  })

  it('takes a window that a later file opens again as it was stored', async () => {
    const { write, commit, explain, plan } = await createLogRig()
    await write(t0 + 900_000, tick(t0 + 1000, 1), { kind: 'end', line: 'l' }, tick(t0 + 2000, 2))
    await commit()
    expect(await explain(t0)).toMatchObject({ verdict: 'equal', stored: { trades: 1, closedBy: 'end' } })
    expect(await plan(minute)).toMatchObject({ changed: 0 })
  })

  it('says in which fields a stored row is not what the log gives', async () => {
    const { write, commit, explain, rows, plan } = await createLogRig()
    await write(t0 + 900_000, tick(t0 + 1000, 1), tick(t0 + 70_000, 2), tick(t0 + 200_000, 3))
    await commit()
    const key = `A 60 ${t0}`
    const stored = rows.get(key)
    if (stored === undefined) throw new Error('no row')
    rows.set(key, { ...stored, high: 999, volume: 7 })
    expect(await explain(t0)).toMatchObject({
      verdict: 'different',
      differences: [
        { field: 'high', stored: '999', computed: '101' },
        { field: 'volume', stored: '7', computed: '1' },
      ],
    })
    rows.delete(`A 60 ${t0 + minute}`)
    expect((await explain(t0 + minute)).differences).toMatchObject([{ field: 'row', stored: '' }])
    expect(await plan(10 * minute)).toMatchObject({ changed: 2, cutPartitions: [] })
  })

  it('does not call a row wrong whose ticks went by retention', async () => {
    const { broker, write, commit, explain, plan } = await createLogRig({ segmentBytes: 256, retentionMs: 1000 })
    for (let n = 0; n < 10; n++) await write(t0 + n * 6000 + 1000, tick(t0 + n * 6000, n + 1))
    await write(t0 + 400_000, tick(t0 + 300_000, 20))
    await commit()
    broker.retainFrom(topics.ticks, new Map([[0, 11]]))
    broker.retain()
    const found = await explain(t0)
    expect(found.log.earliest).toBeGreaterThan(0)
    expect(found.verdict).toBe('unverified')
    expect(found.why).toMatch(/^the log begins at offset \d+/)
    expect(await plan(10 * minute)).toMatchObject({ cutPartitions: [0] })
  })

  it('refuses a symbol that nobody knows', async () => {
    const { write, commit, explain } = await createLogRig()
    await write(t0 + 900_000, tick(t0 + 1000, 1), { kind: 'end', line: 'l' })
    await commit()
    await expect(explain(t0, 60, 'Z')).rejects.toMatchObject({ code: 'UNKNOWN_SYMBOL', hint: 'stored are A' })
    expect(await explain(t0 + 10 * minute)).toMatchObject({ verdict: 'equal', computed: undefined, stored: undefined })
  })
})
