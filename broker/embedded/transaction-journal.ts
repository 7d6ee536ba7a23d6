import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { z } from 'zod'
import type { OutgoingRecord } from '../../ports/broker.ts'

/** The part of a transaction that one partition gets. */
export interface TransactionPart {
  readonly topicId: string
  readonly partition: number
  /** Offset it gets; a log that is past it has it. */
  readonly baseOffset: number
  readonly records: readonly OutgoingRecord[]
}

/** Makes a transaction over several partitions whole again after a crash between two of its appends. */
export interface TransactionJournal {
  begin(parts: readonly TransactionPart[]): void
  end(): void
  /** What `begin` wrote and no `end` followed; empty where it was not wholly written. */
  unfinished(): readonly TransactionPart[]
}

const bytes = z.string().transform((text) => Buffer.from(text, 'base64'))
const journalSchema = z.array(
  z.object({
    topicId: z.string(),
    partition: z.int(),
    baseOffset: z.int(),
    records: z.array(
      z.object({ key: bytes.nullable(), value: bytes.nullable(), headers: z.record(z.string(), z.string()) }),
    ),
  }),
)

export function createTransactionJournal(dir: string | undefined): TransactionJournal {
  if (dir === undefined) return { begin: () => undefined, end: () => undefined, unfinished: () => [] }
  const path = join(dir, '.transaction')
  return {
    begin(parts) {
      const text = JSON.stringify(parts.map(plain))
      writeFileSync(path, `${crc32(text)}\n${text}`)
    },
    end: () => rmSync(path, { force: true }),
    unfinished() {
      if (!existsSync(path)) return []
      const [checksum, text = ''] = readFileSync(path, 'utf8').split('\n')
      if (String(crc32(text)) !== checksum) return []
      return journalSchema.parse(JSON.parse(text)).map((part) => ({
        ...part,
        records: part.records.map((record) => ({ ...record, partition: part.partition })),
      }))
    },
  }
}

function plain({ topicId, partition, baseOffset, records }: TransactionPart): object {
  return {
    topicId,
    partition,
    baseOffset,
    records: records.map(({ key, value, headers }) => ({
      key: key === null ? null : Buffer.from(key).toString('base64'),
      value: value === null ? null : Buffer.from(value).toString('base64'),
      headers: headers ?? {},
    })),
  }
}
