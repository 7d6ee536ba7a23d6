import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FaultKind } from './script.ts'

/** A text in a file, and what stands there instead. */
interface Change {
  readonly file: string
  readonly from: string
  readonly to: string
}

/** A fault of the commit protocol that is planted in a copy of the sources, and the troubles that bring it to light. */
export interface Mutant {
  readonly what: string
  readonly changes: readonly Change[]
  readonly kinds: readonly FaultKind[]
}

const commitSql = 'sinks/sql/commit-sql.ts'
/** Rows stay in the staging table from one transaction to the next. */
const keepStage: Change = { file: commitSql, from: ') ON COMMIT DELETE ROWS`', to: ') ON COMMIT PRESERVE ROWS`' }
/** Candles go with the rest, in one place where the order can be wrong. */
const overStage: Change = {
  file: 'sinks/sql/sql-candle-store.ts',
  from: 'const isDirect = mergesLeft === 0',
  to: 'const isDirect = false',
}
const emptyStage = 'TRUNCATE redwick_stage'
/** Wide enough to be hit. */
const pause = 'DO $$ BEGIN PERFORM pg_sleep(0.3); END $$'
const joined = "'CALL commit_offset()'].join(\n    '\\n',\n  )"
const movingOn = `UPDATE partitions t SET next_offset = s.n3, commit_no = s.n4, last_seq = s.n5 FROM redwick_stage s
  WHERE s.kind = 0 AND t.topology = s.t1 AND t.partition = s.partition`
const merging = '  return [mergeStageSql, ...tables.map((spec) => mergeTableSql(spec, stageKind.tableRow)), '

export const mutants = {
  'offset-before-data': {
    what: 'offsets are committed first, then in a transaction of its own what stands under them',
    changes: [
      keepStage,
      overStage,
      {
        file: commitSql,
        from: merging + joined,
        to: `  return ['CALL commit_offset(); COMMIT; ${pause};', mergeStageSql, '${emptyStage}'].join('\\n')`,
      },
    ],
    kinds: ['database', 'kill', 'cut'],
  },
  'data-before-offset': {
    what: 'what stands under the offsets is committed first, then the offsets',
    changes: [
      keepStage,
      overStage,
      {
        file: commitSql,
        from: merging + joined,
        to: `  return [mergeStageSql, 'COMMIT; ${pause}; CALL commit_offset(); ${emptyStage}'].join('\\n')`,
      },
    ],
    kinds: ['database', 'zombie', 'kill'],
  },
  'no-fencing': {
    what: 'the store takes a commit from whoever comes',
    changes: [
      {
        file: commitSql,
        from: merging + joined,
        to: `  return [mergeStageSql, \`${movingOn}\`].join('\\n')`,
      },
    ],
    kinds: ['zombie', 'commit held'],
  },
  'blind-retry': {
    what: 'a commit whose outcome is not known is sent again, without a look at what the store holds',
    changes: [
      {
        file: commitSql,
        from: merging + joined,
        to: `  return [mergeStageSql, \`${movingOn}\`].join('\\n')`,
      },
      {
        file: 'sinks/sql/sql-candle-store.ts',
        from: 'await transport.commit(await writeCommit(writers, commit, written, isDirect), written)',
        to: `const rows = await writeCommit(writers, commit, written, false)
          await transport.commit(rows, written).catch(() => transport.commit(rows, written))`,
      },
    ],
    kinds: ['answer lost', 'commit cut'],
  },
  'publish-before-commit': {
    what: 'finals go to the topics before the commit that makes them',
    changes: [
      {
        file: 'topology/checkpointer.ts',
        from: '    await broker.sync(topic)\n',
        to: '    await broker.sync(topic)\n    for (const one of prepared) await output.publish(one)\n',
      },
    ],
    kinds: ['commit cut', 'copy cut', 'kill at', 'database', 'read-only'],
  },
  'lost-dedupe-state': {
    what: 'a new owner begins without the ids that were seen',
    changes: [
      {
        file: 'processors/operators/deduplicate.ts',
        from: 'context.restored(id)',
        to: '[]',
      },
    ],
    kinds: ['kill', 'restart'],
  },
  'same-epoch': {
    what: 'what a failed commit leaves is loaded again under the same epoch',
    changes: [
      {
        file: 'sinks/sql/takeover.ts',
        from: 'epoch = greatest(epoch + 1, $3::bigint)',
        to: 'epoch = CASE WHEN epoch = 0 THEN $3::bigint ELSE epoch END',
      },
    ],
    kinds: ['answer lost', 'copy cut', 'zombie'],
  },
  'unfenced-publish': {
    what: 'the broker takes finals from an owner that another one has followed',
    changes: [
      {
        file: 'broker/kafkajs/kafka-producer.ts',
        from: 'const producer = await connected(options, transactionalId)',
        to: 'const producer = await connected(options, transactionalId + process.pid)',
      },
    ],
    kinds: ['stop at'],
  },
} as const satisfies Record<string, Mutant>

export type MutantName = keyof typeof mutants
export const isMutantName = (name: string): name is MutantName => Object.hasOwn(mutants, name)

const copied = [
  'bench',
  'bin',
  'broker',
  'cli',
  'feeds',
  'gateway',
  'ports',
  'processors',
  'registry',
  'schemas',
  'sinks',
]
const root = join(import.meta.dirname, '..', '..')

interface Planted {
  readonly dir: string
  remove(): Promise<void>
}

/** A copy of the sources whose topology is another, of the same state. */
export const plantUpgrade = (): Promise<Planted> =>
  copyWith([{ file: 'topology/candles.ts', from: "emitEvery: '100ms'", to: "emitEvery: '250ms'" }])

/** A copy of the sources with the fault in it. */
export const plant = (name: MutantName): Promise<Planted> => copyWith(mutants[name].changes)

async function copyWith(changes: readonly Change[]): Promise<Planted> {
  const dir = await mkdtemp(join(tmpdir(), 'redwick-planted-'))
  for (const one of [...copied, 'test', 'topology', 'web', 'package.json', 'tsconfig.json'])
    await cp(join(root, one), join(dir, one), { recursive: true })
  await symlink(join(root, 'node_modules'), join(dir, 'node_modules'))
  for (const { file, from, to } of changes) {
    const path = join(dir, file)
    const text = await readFile(path, 'utf8')
    if (text.split(from).length !== 2) throw new Error(`${file} does not hold, once: ${from}`)
    await writeFile(
      path,
      text.replace(from, () => to),
    )
  }
  return { dir, remove: () => rm(dir, { recursive: true, force: true }) }
}
