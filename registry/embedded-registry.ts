import { createHash } from 'node:crypto'
import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { SchemaRegistry } from '../ports/schema-registry.ts'
import { avroType } from '../schemas/avro-reader.ts'
import { FatalError, messageOf } from '../schemas/errors.ts'

export interface EmbeddedRegistryOptions {
  /** Where `registry.json` is kept; made when missing. Without it nothing outlives the process. */
  readonly directory?: string
}

/** A schema by subject and id, as it stands in the file. */
interface Entry {
  readonly subject: string
  readonly id: number
  readonly schema: object
}

const fileName = 'registry.json'
const idBits = 0x7fff_ffff

/**
 * A schema registry in the process. An id is taken from the schema's content, so that it is the same in every process
 * and after every restart. A subject's new schema must read what its last one wrote.
 *
 * @throws {FatalError} `REGISTRY_FILE_UNREADABLE` when the directory holds a file that is no registry.
 */
export async function createEmbeddedRegistry(options: EmbeddedRegistryOptions = {}): Promise<SchemaRegistry> {
  const { directory } = options
  const entries = directory === undefined ? [] : await load(directory)
  const byId = new Map(entries.map(({ id, schema }) => [id, schema]))
  let saving: Promise<void> = Promise.resolve()

  const idOf = (canonical: string): number => {
    const hash = createHash('sha256').update(canonical).digest().readUInt32BE(0) & idBits
    let id = hash === 0 ? 1 : hash
    // A collision takes the next id; 2^31 ids outlast any number of schemas kept here.
    for (let other = byId.get(id); other !== undefined && canonicalText(other) !== canonical; other = byId.get(id))
      id = id === idBits ? 1 : id + 1
    return id
  }

  const save = () => {
    if (directory === undefined) return Promise.resolve()
    const text = `${JSON.stringify(entries, undefined, 2)}\n`
    // One write after the other, whatever became of the last.
    saving = saving.catch(() => undefined).then(() => writeWhole(directory, text))
    return saving
  }

  return {
    async register(subject, schema) {
      const canonical = canonicalText(schema)
      const id = idOf(canonical)
      if (entries.some((entry) => entry.subject === subject && entry.id === id)) {
        await saving
        return id
      }
      const last = entries.findLast((entry) => entry.subject === subject)
      checkReads(subject, schema, last?.schema ?? schema)
      const kept = structuredClone(schema)
      entries.push({ subject, id, schema: kept })
      byId.set(id, kept)
      await save()
      return id
    },
    async schema(id) {
      const found = byId.get(id)
      return found === undefined ? undefined : structuredClone(found)
    },
    async ping() {},
    async close() {
      await saving
    },
  }
}

/** @throws {FatalError} `SCHEMA_INCOMPATIBLE` */
function checkReads(subject: string, reader: object, writer: object): void {
  try {
    avroType(reader).createResolver(avroType(writer))
  } catch (cause) {
    throw new FatalError({
      code: 'SCHEMA_INCOMPATIBLE',
      message: `the schema does not fit subject ${subject}`,
      why: messageOf(cause),
      hint: 'give new fields a default, and keep the types of those that are there',
      cause,
    })
  }
}

/** JSON text that is the same for the same schema, whatever the order of its keys. */
function canonicalText(schema: object): string {
  return JSON.stringify(schema, (_key, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  )
}

async function load(directory: string): Promise<Entry[]> {
  await mkdir(directory, { recursive: true })
  const path = join(directory, fileName)
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw unreadable(path, error)
  }
  try {
    const parsed: unknown = JSON.parse(text)
    if (Array.isArray(parsed) && parsed.every(isEntry)) return parsed
  } catch (error) {
    throw unreadable(path, error)
  }
  throw unreadable(path, new TypeError('it is no list of schemas'))
}

function isEntry(value: unknown): value is Entry {
  if (typeof value !== 'object' || value === null) return false
  if (!('subject' in value && 'id' in value && 'schema' in value)) return false
  const { subject, id, schema } = value
  return typeof subject === 'string' && Number.isSafeInteger(id) && typeof schema === 'object' && schema !== null
}

function unreadable(path: string, cause: unknown): FatalError {
  return new FatalError({
    code: 'REGISTRY_FILE_UNREADABLE',
    message: `${path} cannot be read as a schema registry`,
    why: messageOf(cause),
    cause,
  })
}

/** Whole or not at all, and on disk when it resolves: file, then name. */
async function writeWhole(directory: string, text: string): Promise<void> {
  const path = join(directory, fileName)
  const draft = `${path}.new`
  const file = await open(draft, 'w')
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(draft, path)
  const folder = await open(directory, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
