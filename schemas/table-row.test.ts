import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InvariantViolation } from './errors.ts'
import type { TableRow, TableSpec, TableValue } from './table.ts'
import { checkChange, checkKey, checkRow, jsonDepthMax, jsonValuesMax, keyCharactersMax, keyText } from './table-row.ts'

const spec: TableSpec = {
  table: 'visits',
  columns: { id: 'text', ratio: 'float8', count: 'int8', good: 'boolean', at: 'timestamptz', extra: 'jsonb' },
  key: ['id', 'ratio'],
}
const good: TableRow = { id: 'a', ratio: 0.5, count: 1, good: true, at: 0, extra: { a: [1, null] } }
const nested = (depth: number): TableValue => (depth === 0 ? 0 : [nested(depth - 1)])
/** What no type allows, as JavaScript would hand it over. */
const untyped = (value: unknown): TableValue => value as TableValue
const bare: TableValue = Object.setPrototypeOf({ a: 1 }, null) as TableValue
const circular: unknown[] = []
circular.push(circular, circular)

describe('a row', () => {
  it.each<{ name: string; changes: TableRow }>([
    { name: 'values of each type', changes: {} },
    { name: 'null but in its key', changes: { count: null, good: null, at: null, extra: null } },
    { name: 'the greatest numbers', changes: { ratio: Number.MAX_VALUE, count: Number.MAX_SAFE_INTEGER, at: 8.64e15 } },
    { name: '-0', changes: { ratio: -0, count: -0, at: -0, extra: -0 } },
    { name: 'a whole surrogate pair', changes: { id: '😀', extra: { '😀': '😀' } } },
    { name: 'the longest key', changes: { id: 'x'.repeat(keyCharactersMax) } },
    { name: 'the deepest JSON', changes: { extra: nested(jsonDepthMax) } },
    { name: 'JSON without a prototype', changes: { extra: bare } },
  ])('may have $name', ({ changes }) => expect(() => checkRow(spec, { ...good, ...changes })).not.toThrow())

  it.each<{ name: string; changes: TableRow; rule: RegExp }>([
    { name: 'NaN', changes: { ratio: Number.NaN }, rule: /^visits\.ratio: float8 is a finite number, was NaN$/ },
    { name: 'an infinity', changes: { ratio: -Infinity }, rule: /was -Infinity$/ },
    { name: 'a number that is text', changes: { ratio: '1' }, rule: /was a string$/ },
    { name: 'a fraction in int8', changes: { count: 0.5 }, rule: /int8 is a safe integer, was 0.5$/ },
    { name: 'an unsafe int8', changes: { count: 2 ** 53 }, rule: /^visits\.count: .*9007199254740992$/ },
    { name: 'a bigint', changes: { count: untyped(1n) }, rule: /was a bigint$/ },
    { name: 'a number for a boolean', changes: { good: 1 }, rule: /boolean is true or false, was 1$/ },
    { name: 'a time after the last', changes: { at: 8.64e15 + 1 }, rule: /^visits\.at: timestamptz/ },
    { name: 'a time before the first', changes: { at: -2e14 - 1 }, rule: /^visits\.at: timestamptz/ },
    { name: 'a part of a millisecond', changes: { at: 0.5 }, rule: /^visits\.at: timestamptz/ },
    { name: 'a Date', changes: { at: untyped(new Date(0)) }, rule: /was a object$/ },
    { name: 'U+0000', changes: { id: 'a\0' }, rule: /^visits\.id: text holds no U\+0000$/ },
    { name: 'half a surrogate pair', changes: { id: '\ud83d' }, rule: /half of a surrogate pair/ },
    { name: 'a number for text', changes: { id: 5 }, rule: /text is a string, was 5$/ },
    { name: 'null in its key', changes: { id: null }, rule: /^visits\.id: a key has no null$/ },
    { name: 'too long a key', changes: { id: 'x'.repeat(keyCharactersMax + 1) }, rule: /key hold at most 640 .* 641$/ },
    { name: 'too much text', changes: { extra: ['x'.repeat(1_048_576)] }, rule: /at most 1048576 characters/ },
    { name: 'an unknown column', changes: { other: 1 }, rule: /^visits: .* columns only, was "other"$/ },
    { name: 'no value in a column', changes: { good: untyped(undefined) }, rule: /^visits\.good: .* every column$/ },
    { name: 'U+0000 in JSON', changes: { extra: { a: ['\0'] } }, rule: /^visits\.extra: text holds no U\+0000$/ },
    { name: 'U+0000 in a name of JSON', changes: { extra: { '\0': 1 } }, rule: /no U\+0000/ },
    { name: 'half a pair in JSON', changes: { extra: ['\udc00'] }, rule: /surrogate/ },
    { name: 'NaN in JSON', changes: { extra: [Number.NaN] }, rule: /plain object, was NaN$/ },
    { name: 'nothing in JSON', changes: { extra: untyped({ a: undefined }) }, rule: /was a undefined$/ },
    { name: 'a hole in JSON', changes: { extra: untyped(new Array(2)) }, rule: /was a undefined$/ },
    { name: 'a Map in JSON', changes: { extra: untyped(new Map()) }, rule: /was a object$/ },
    { name: 'a function in JSON', changes: { extra: untyped({ toJSON: () => 1 }) }, rule: /was a function$/ },
    { name: 'too deep JSON', changes: { extra: nested(jsonDepthMax + 1) }, rule: /at most 64 levels deep$/ },
    { name: 'JSON in a circle', changes: { extra: untyped(circular) }, rule: /JSON (is|holds) at most/ },
    { name: 'too much JSON', changes: { extra: new Array(jsonValuesMax).fill(0) }, rule: /at most 65536 values/ },
  ])('may not have $name', ({ changes, rule }) => {
    const check = () => checkRow(spec, { ...good, ...changes })
    expect(check).toThrow(InvariantViolation)
    expect(check).toThrow(rule)
  })

  it('has every column, and its own', () => {
    const { good: _, ...rest } = good
    expect(() => checkRow(spec, rest)).toThrow(/^visits\.good: a row has every column$/)
    const inherited: TableSpec = {
      ...spec,
      columns: Object.fromEntries([...Object.entries(spec.columns), ['constructor', 'text' as const]]),
    }
    expect(() => checkRow(inherited, good)).toThrow(/^visits\.constructor: a row has every column$/)
  })
})

describe('a key', () => {
  it('has its columns and no others', () => {
    expect(() => checkKey(spec, { id: 'a', ratio: 1 })).not.toThrow()
    expect(() => checkKey(spec, { id: 'a' })).toThrow(/ratio: a row has every column/)
    expect(() => checkKey(spec, good)).toThrow(/columns only/)
    expect(() => checkKey(spec, { id: 'x'.repeat(641), ratio: 1 })).toThrow(/640/)
  })

  // Goal: two keys have one text where, and only where, PostgreSQL's index takes them for one.
  it('has a text of its own, and 0 that of -0', () => {
    const key = fc.tuple(fc.string(), fc.double({ noNaN: true, noDefaultInfinity: true }))
    fc.assert(
      fc.property(key, key, ([id, ratio], [otherId, otherRatio]) => {
        const same = id === otherId && ratio === otherRatio
        expect(keyText(spec, { id, ratio }) === keyText(spec, { id: otherId, ratio: otherRatio })).toBe(same)
      }),
      { numRuns: 500 },
    )
    expect(keyText(spec, { id: 'a', ratio: -0 })).toBe(keyText(spec, { id: 'a', ratio: 0 }))
  })
})

describe('a change', () => {
  const key = { id: 'a', ratio: 0.5 }
  it.each([
    { name: 'of another table', change: { table: 'other', key, row: good }, rule: /a change of other/ },
    {
      name: 'whose key is another row’s',
      change: { table: 'visits', key: { id: 'b', ratio: 0.5 }, row: good },
      rule: /its row/,
    },
    { name: 'with an unfit row', change: { table: 'visits', key, row: { ...good, count: 0.5 } }, rule: /int8/ },
    { name: 'with an unfit key', change: { table: 'visits', key: { ...key, id: 1 }, row: undefined }, rule: /text is/ },
  ])('$name is refused', ({ change, rule }) => expect(() => checkChange(spec, change)).toThrow(rule))

  it('is a row with its key, or a key that goes', () => {
    expect(() => checkChange(spec, { table: 'visits', key, row: good })).not.toThrow()
    expect(() => checkChange(spec, { table: 'visits', key, row: undefined })).not.toThrow()
  })
})
