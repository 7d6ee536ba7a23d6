import { invariant } from './errors.ts'
import type { ColumnType, TableChange, TableRow, TableSpec, TableValue } from './table.ts'
import { storedTimeMsMin, timeMsMax } from './times.ts'

/** Characters of all texts of a row, those in its JSON included. */
export const rowCharactersMax = 1_048_576
/** Characters of all texts of a key: at most 3 bytes each, which PostgreSQL's index takes. */
export const keyCharactersMax = 640
export const jsonDepthMax = 64
export const jsonValuesMax = 65_536

const loneSurrogate = /\p{Surrogate}/u

/**
 * Checks that a store can take the row as it is: every column of the table, no other, each a value of its type.
 *
 * @throws {InvariantViolation} Names the table, the column and the rule.
 */
export function checkRow(spec: TableSpec, row: TableRow): void {
  const names = Object.keys(spec.columns)
  const characters = checkColumns(spec, names, row)
  invariant(
    characters <= rowCharactersMax,
    () => `${spec.table}: texts of a row hold at most ${rowCharactersMax} characters, were ${characters}`,
  )
  checkKeySize(spec, row)
}

/** The same for a key by itself. */
export function checkKey(spec: TableSpec, key: TableRow): void {
  checkColumns(spec, spec.key, key)
  checkKeySize(spec, key)
}

/**
 * Checks a whole change: its key, and its row where there is one.
 *
 * @throws {InvariantViolation}
 */
export function checkChange(spec: TableSpec, { table, key, row }: TableChange): void {
  invariant(table === spec.table, () => `a change of ${table} is written to that table, was ${spec.table}`)
  checkKey(spec, key)
  if (row === undefined) return
  checkRow(spec, row)
  invariant(keyText(spec, key) === keyText(spec, row), () => `${table}: the key of a change is its row's`)
}

/** A text for each key: equal where, and only where, the store's keys are. */
export function keyText(spec: TableSpec, row: TableRow): string {
  // JSON knows no -0, and neither does a key: PostgreSQL's index takes it for 0.
  return JSON.stringify(spec.key.map((name) => row[name]))
}

function checkColumns(spec: TableSpec, names: readonly string[], row: TableRow): number {
  const given = Object.keys(row)
  const unknown = given.find((name) => !names.includes(name))
  invariant(
    unknown === undefined,
    () => `${spec.table}: a row has the table's columns only, was ${JSON.stringify(unknown)}`,
  )
  let characters = 0
  for (const name of names) {
    const value = Object.hasOwn(row, name) ? row[name] : undefined
    const type = spec.columns[name]
    invariant(value !== undefined && type !== undefined, () => `${spec.table}.${name}: a row has every column`)
    if (value === null) invariant(!spec.key.includes(name), () => `${spec.table}.${name}: a key has no null`)
    else characters += checkValue(`${spec.table}.${name}`, type, value)
  }
  return characters
}

function checkKeySize(spec: TableSpec, row: TableRow): void {
  let characters = 0
  for (const name of spec.key) {
    const value = row[name]
    if (typeof value === 'string') characters += value.length
  }
  invariant(
    characters <= keyCharactersMax,
    () => `${spec.table}: texts of a key hold at most ${keyCharactersMax} characters, were ${characters}`,
  )
}

/** @returns The characters of its texts. */
function checkValue(at: string, type: ColumnType, value: TableValue): number {
  switch (type) {
    case 'text':
      invariant(typeof value === 'string', () => `${at}: text is a string, was ${shown(value)}`)
      return checkText(at, value)
    case 'float8':
      invariant(Number.isFinite(value), () => `${at}: float8 is a finite number, was ${shown(value)}`)
      return 0
    case 'int8':
      invariant(Number.isSafeInteger(value), () => `${at}: int8 is a safe integer, was ${shown(value)}`)
      return 0
    case 'boolean':
      invariant(typeof value === 'boolean', () => `${at}: boolean is true or false, was ${shown(value)}`)
      return 0
    case 'timestamptz':
      invariant(
        typeof value === 'number' && Number.isInteger(value) && value >= storedTimeMsMin && value <= timeMsMax,
        () =>
          `${at}: timestamptz is an integer of epoch ms from ${storedTimeMsMin} to ${timeMsMax}, was ${shown(value)}`,
      )
      return 0
    case 'jsonb':
      return checkJson(at, value)
  }
}

function checkText(at: string, value: string): number {
  invariant(!value.includes('\0'), () => `${at}: text holds no U+0000`)
  invariant(!loneSurrogate.test(value), () => `${at}: text holds no half of a surrogate pair`)
  return value.length
}

function checkJson(at: string, root: TableValue): number {
  let values = 0
  let characters = 0
  const visit = (value: unknown, depth: number): void => {
    values++
    invariant(values <= jsonValuesMax, () => `${at}: JSON holds at most ${jsonValuesMax} values`)
    invariant(depth <= jsonDepthMax, () => `${at}: JSON is at most ${jsonDepthMax} levels deep`)
    if (value === null || typeof value === 'boolean') return
    if (typeof value === 'string') {
      characters += checkText(at, value)
    } else if (Array.isArray(value)) {
      for (let i = 0; i < value.length; i++) visit(value[i], depth + 1)
    } else if (isPlain(value)) {
      for (const [name, inner] of Object.entries(value)) {
        characters += checkText(at, name)
        visit(inner, depth + 1)
      }
    } else {
      invariant(
        Number.isFinite(value),
        () => `${at}: JSON is null, boolean, finite number, string, array or plain object, was ${shown(value)}`,
      )
    }
  }
  visit(root, 0)
  return characters
}

function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}

/** Never a text's content: it may be anybody's. */
const shown = (value: unknown): string => (typeof value === 'number' ? String(value) : `a ${typeof value}`)
