import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CandleStore, PartitionCommit } from '../ports/candle-store.ts'
import { FatalError, FencedError, InvariantViolation } from '../schemas/errors.ts'
import type { ColumnType, TableChange, TableSpec, TableValue } from '../schemas/table.ts'
import { sampleCommit, samplePart, sampleTopic } from './sample-commit.ts'
import { anyRow, everyType, fresh, gone, ofEveryType, parsed, plain, up, visits } from './sample-table.ts'

interface StoreUnderTest {
  readonly store: CandleStore
  /** Another one of the same content, as a second process has it; `store` itself where there is no such thing. */
  readonly second?: CandleStore
  /** Closes and removes it. */
  dispose(): Promise<void>
}

/** What every adapter of the candle store does alike with tables of topologies. */
export function tablesContract(name: string, make: () => Promise<StoreUnderTest>): void {
  describe(`tables contract: ${name}`, () => {
    let under: StoreUnderTest
    let store: CandleStore
    beforeAll(async () => {
      under = await make()
      store = under.store
    })
    afterAll(() => under?.dispose())

    const all = (spec: TableSpec) => store.rows(spec.table, { limit: 10_000 })
    /** A topology that owns two partitions and commits changes of tables. */
    const owner = async () => {
      const topology = fresh('topology')
      const owned = await store.takeover(topology, sampleTopic, [0, 1], 1000)
      const parts = owned.map(({ partition, epoch, nextOffset, commitNo }) => ({
        partition,
        epoch,
        previousOffset: nextOffset,
        commitNo: commitNo + 1,
      }))
      const partOf = (at: number, changes: Partial<PartitionCommit>): PartitionCommit => {
        const part = parts[at]
        if (part === undefined) throw new Error(`partition ${at} is owned`)
        return samplePart({ ...part, ...changes })
      }
      const commit = async (first: readonly TableChange[], second: readonly TableChange[] = []) => {
        await store.commit(sampleCommit(topology, partOf(0, { tables: first }), partOf(1, { tables: second })))
        for (const part of parts) {
          part.previousOffset += 10
          part.commitNo += 1
        }
      }
      return { topology, partOf, commit }
    }

    it('give back every value as it was, doubles to the last bit', async () => {
      const spec = ofEveryType()
      await store.ensureTable(spec)
      const { commit } = await owner()
      await fc.assert(
        fc.asyncProperty(
          fc.uniqueArray(anyRow, { minLength: 1, maxLength: 30, selector: ({ id }) => id }),
          async (rows) => {
            await commit(rows.map((each) => up(spec, plain(each))))
            const stored = new Map((await all(spec)).map((each) => [each['id'], each]))
            for (const each of rows) expect(stored.get(each.id)).toStrictEqual(plain(each))
            await commit(rows.map(({ id }) => gone(spec, { id })))
            expect(await all(spec)).toEqual([])
          },
        ),
        { numRuns: 25 },
      )
    })

    it.each([
      { name: '-0', ratio: -0 },
      { name: '0 in place of -0', ratio: 0 },
      { name: 'the least double', ratio: 5e-324 },
      { name: 'the greatest double', ratio: -Number.MAX_VALUE },
      { name: 'the least normal double', ratio: 2.2250738585072014e-308 },
      { name: 'the widest mantissa', ratio: 0.1 + 0.2 },
      { name: 'the first time', at: -2e14 },
      { name: 'a time before year 1', at: Date.UTC(-43, 2, 15) },
      { name: 'the last moment of 1 BC', at: -62_135_596_800_001 },
      { name: 'a time beyond year 9999', at: 253_402_300_800_001 },
      { name: 'the last time', at: 8.64e15 },
      { name: 'the least safe integer', count: Number.MIN_SAFE_INTEGER },
      { name: 'text that is JSON, SQL and COPY', id: `{"a":null}'; DROP TABLE candles; --\\N\t\r\n"$1` },
      { name: 'empty text', id: '' },
      { name: 'a JSON string', extra: 'text' },
      { name: 'a JSON number', extra: 1e308 },
      { name: 'names of JavaScript', extra: parsed('{"__proto__":{"constructor":1},"":[]}') },
    ])('keep $name', async ({ name: _, ...changes }) => {
      const spec = ofEveryType()
      await store.ensureTable(spec)
      const { commit } = await owner()
      const before = { id: 'x', ratio: -0, count: 1, good: true, at: 0, extra: [1, { a: null }] }
      await commit([up(spec, { ...before, id: changes.id ?? 'x' })])
      await commit([up(spec, { ...before, ...changes })])
      expect(await all(spec)).toStrictEqual([{ ...before, ...changes }])
    })

    it('take columns and tables named like words of SQL and of JavaScript', async () => {
      const columns = Object.fromEntries<ColumnType>([
        ['__proto__', 'text'],
        ['select', 'int8'],
        ['constructor', 'jsonb'],
        ['t', 'text'],
        ['s', 'float8'],
      ])
      const spec: TableSpec = { table: fresh('user'), columns, key: ['select', '__proto__'] }
      const word: TableSpec = { table: 'order', columns: { key: 'text' }, key: ['key'] }
      await store.ensureTable(spec)
      await store.ensureTable(word)
      const { commit } = await owner()
      const keyed: [string, TableValue][] = [
        ['__proto__', 'p'],
        ['select', 1],
      ]
      const key = Object.fromEntries(keyed)
      const given = Object.fromEntries([...keyed, ['constructor', null], ['t', 't'], ['s', 0.5]])
      await commit([{ table: spec.table, key, row: given }, up(word, { key: 'only' })])
      expect((await all(spec)).map((each) => JSON.stringify(each))).toEqual([JSON.stringify(given)])
      await commit([gone(spec, key), up(word, { key: 'only' })])
      expect([await all(spec), await all(word)]).toEqual([[], [{ key: 'only' }]])
    })

    it('give rows ascending by key, text by bytes, as many as are wanted', async () => {
      const spec: TableSpec = {
        table: fresh('ordered'),
        columns: { v: 'boolean', n: 'float8', id: 'text' },
        key: ['id', 'n'],
      }
      await store.ensureTable(spec)
      const { commit } = await owner()
      const rows = [
        ...[-1.5, -0, 10].map((n) => ({ id: 'Z', n, v: null })),
        ...['a', 'é', '\uffff', '😀'].map((id) => ({ id, n: 2, v: true })),
      ]
      await commit([...rows].reverse().map((each) => up(spec, each)))
      const expected = rows.map((each) => ({ ...each, n: each.n === 0 ? 0 : each.n }))
      expect(await all(spec)).toStrictEqual(expected.map(({ v, n, id }) => ({ v, n, id })))
      expect(await store.rows(spec.table, { limit: 2 })).toEqual(expected.slice(0, 2))
      expect(await store.rows(spec.table, { limit: 0 })).toEqual([])
    })

    it('have the last word about each key, of every partition', async () => {
      const [one, two] = [visits(), visits()]
      await store.ensureTable(one)
      await store.ensureTable(two)
      const { commit } = await owner()
      await commit([up(one, { id: 'a', n: 1 }), up(two, { id: 'a', n: 2 })], [up(one, { id: 'b', n: 3 })])
      expect(await all(one)).toEqual([
        { id: 'a', n: 1 },
        { id: 'b', n: 3 },
      ])
      await commit([up(one, { id: 'a', n: null }), gone(two, { id: 'a' })], [gone(one, { id: 'none' })])
      expect(await all(one)).toEqual([
        { id: 'a', n: null },
        { id: 'b', n: 3 },
      ])
      expect(await all(two)).toEqual([])
      await commit([gone(one, { id: 'a' }), up(one, { id: 'c', n: 5 })], [up(one, { id: 'b', n: 4 })])
      expect(await all(one)).toEqual([
        { id: 'b', n: 4 },
        { id: 'c', n: 5 },
      ])
    })

    it('are untouched by a commit that is fenced, and by one that is made twice', async () => {
      const spec = visits()
      await store.ensureTable(spec)
      const { topology, partOf, commit } = await owner()
      await commit([up(spec, { id: 'kept', n: 1 })])
      const changes = [up(spec, { id: 'kept', n: 2 }), up(spec, { id: 'new', n: 2 })]
      const fenced = sampleCommit(topology, partOf(0, { tables: changes }), partOf(1, { epoch: 1 }))
      await expect(store.commit(fenced)).rejects.toBeInstanceOf(FencedError)
      await expect(
        store.commit(sampleCommit(topology, partOf(0, { previousOffset: 0, tables: [gone(spec, { id: 'kept' })] }))),
      ).rejects.toBeInstanceOf(FencedError)
      expect(await all(spec)).toEqual([{ id: 'kept', n: 1 }])
    })

    it('count each record once, however often its commit is sent', async () => {
      const spec = visits()
      await store.ensureTable(spec)
      const { topology, partOf } = await owner()
      for (const n of [1, 2, 3]) {
        const place = partOf(0, {})
        const previousOffset = place.previousOffset + (n - 1) * 10
        const part = { previousOffset, nextOffset: previousOffset + 10, commitNo: place.commitNo + n - 1 }
        const again = sampleCommit(topology, partOf(0, { ...part, tables: [up(spec, { id: 'a', n })] }))
        const sent = await Promise.allSettled([store.commit(again), store.commit(again)])
        expect(sent.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
        expect(await all(spec)).toEqual([{ id: 'a', n }])
      }
    })

    const a = { id: 'a', n: 1 }
    it.each<{ name: string; changes: (spec: TableSpec) => TableChange[]; rule: RegExp }>([
      {
        name: 'of a table that was not ensured',
        changes: (spec) => [{ ...up(spec, a), table: 'nobody' }],
        rule: /nobody was ensured/,
      },
      {
        name: 'with two words about a key',
        changes: (spec) => [up(spec, a), gone(spec, { id: 'a' })],
        rule: /one word/,
      },
      {
        name: 'whose key is not the row’s',
        changes: (spec) => [{ ...up(spec, a), key: { id: 'b' } }],
        rule: /key of a change/,
      },
      { name: 'with an unfit row', changes: (spec) => [up(spec, { id: 'a', n: 0.5 })], rule: /\.n: int8 is a safe/ },
      {
        name: 'with an unfit key',
        changes: (spec) => [gone(spec, { id: 'a\0' })],
        rule: /\.id: text holds no U\+0000/,
      },
    ])('refuse a commit $name before it is sent', async ({ changes, rule }) => {
      const spec = visits()
      await store.ensureTable(spec)
      const { topology, partOf, commit } = await owner()
      const refused: unknown = await store
        .commit(sampleCommit(topology, partOf(0, { tables: changes(spec) })))
        .catch((error: unknown) => error)
      expect(refused).toBeInstanceOf(InvariantViolation)
      expect(String(refused)).toMatch(rule)
      await commit([up(spec, a)])
      expect(await all(spec)).toEqual([a])
    })

    it('are made by many at once, and are there when they are asked for again', async () => {
      const specs = [visits(), visits(), ofEveryType()]
      const stores = [store, under.second ?? store]
      await Promise.all(
        specs.flatMap((spec) => stores.flatMap((each) => [each.ensureTable(spec), each.ensureTable(spec)])),
      )
      for (const spec of specs) expect(await (under.second ?? store).rows(spec.table, { limit: 1 })).toEqual([])
    })

    it('that differ are named with what differs, and left as they are', async () => {
      const spec = ofEveryType()
      await store.ensureTable(spec)
      const { good: _, ...others } = everyType
      const differing: [TableSpec, RegExp][] = [
        [{ ...spec, columns: { ...everyType, ratio: 'int8' } }, /column ratio is float8, not int8\.$/],
        [{ ...spec, columns: { ...everyType, at: 'text' } }, /column at is timestamptz, not text\.$/],
        [{ ...spec, columns: { ...everyType, more: 'text' } }, /column more is missing\.$/],
        [{ ...spec, columns: others }, /column good is not the topology's\.$/],
        [{ ...spec, key: ['id', 'at'] }, /primary key is \(id\), not \(id, at\)\.$/],
      ]
      for (const [wanted, why] of differing) {
        const refused: unknown = await store.ensureTable(wanted).catch((error: unknown) => error)
        expect(refused).toBeInstanceOf(FatalError)
        expect(refused).toMatchObject({ code: 'TABLE_DIFFERS', exitCode: 78 })
        expect(refused instanceof FatalError ? refused.why : '').toMatch(why)
      }
      await store.ensureTable(spec)
      expect(await all(spec)).toEqual([])
    })

    it.each(['candles', 'redwick_stage', 'pg_class', 'a"; DROP TABLE candles; --', 'Upper', '', 'x'.repeat(64)])(
      'are not made by the name %j',
      async (table) => {
        const refused: unknown = await store.ensureTable({ ...visits(), table }).catch((error: unknown) => error)
        expect(refused).toBeInstanceOf(FatalError)
        expect(refused).toMatchObject({ code: 'BAD_TABLE', exitCode: 78 })
      },
    )

    it('that nobody spoke of are not read', async () => {
      await expect(store.rows('candles', { limit: 1 })).rejects.toMatchObject({ code: 'TABLE_UNKNOWN' })
      await expect(store.rows(fresh('nobody'), { limit: 1 })).rejects.toBeInstanceOf(FatalError)
    })
  })
}
