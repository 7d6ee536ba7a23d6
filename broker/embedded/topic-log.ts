import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import type { TopicSpec } from '../../ports/broker.ts'
import { FatalError } from '../../schemas/errors.ts'
import { type LogSettings, topicSettings } from './log-settings.ts'
import { PartitionLog } from './partition-log.ts'

/** A topic: its identity and its partitions' logs. */
export interface TopicLog {
  readonly topic: string
  readonly topicId: string
  readonly config: Readonly<Record<string, string>>
  readonly partitions: readonly PartitionLog[]
}

export interface TopicLogContext extends Omit<ConstructorParameters<typeof PartitionLog>[0], 'dir' | 'settings'> {
  readonly dir: string | undefined
  readonly settings: LogSettings
}

const topicName = /^(?!\.{1,2}$)[a-zA-Z0-9._-]{1,249}$/
const partitionsMax = 10_000
const metaFile = 'topic.json'
const metaSchema = z.object({
  topicId: z.string(),
  partitions: z.int().min(1).max(partitionsMax),
  config: z.record(z.string(), z.string()),
})

/** @throws {FatalError} `INVALID_TOPIC`. */
export function createTopicLog(context: TopicLogContext, spec: TopicSpec): TopicLog {
  const { topic, partitions } = spec
  if (!topicName.test(topic) || !Number.isInteger(partitions) || partitions < 1 || partitions > partitionsMax)
    throw new FatalError({
      ...{ code: 'INVALID_TOPIC', message: `topic '${topic}' with ${partitions} partitions cannot be created` },
      why: `a name is 1 to 249 of letters, digits and . _ -, and there are 1 to ${partitionsMax} partitions`,
    })
  const meta = { topicId: randomUUID(), partitions, config: { ...spec.config } }
  if (context.dir !== undefined) {
    const part = join(context.dir, `.creating-${meta.topicId}`)
    mkdirSync(part, { recursive: true })
    for (let partition = 0; partition < partitions; partition++) mkdirSync(join(part, String(partition)))
    writeFileSync(join(part, metaFile), JSON.stringify(meta, undefined, 2), { flush: true })
    renameSync(part, join(context.dir, topic))
  }
  return openLogs(context, topic, meta)
}

/** A topic with more partitions: those it has go on, the new ones are empty. The file that names their number comes last. */
export function growTopicLog(context: TopicLogContext, log: TopicLog, partitions: number): TopicLog {
  const { topic, topicId, config } = log
  if (partitions <= log.partitions.length) return log
  if (partitions > partitionsMax)
    throw new FatalError({ code: 'INVALID_TOPIC', message: `topic '${topic}' cannot have ${partitions} partitions` })
  const meta = { topicId, partitions, config: { ...config } }
  if (context.dir !== undefined) {
    const dir = join(context.dir, topic)
    for (let partition = log.partitions.length; partition < partitions; partition++) {
      rmSync(join(dir, String(partition)), { recursive: true, force: true }) // of an attempt that was cut off
      mkdirSync(join(dir, String(partition)))
    }
    const draft = join(dir, `.${metaFile}`)
    writeFileSync(draft, JSON.stringify(meta, undefined, 2), { flush: true })
    renameSync(draft, join(dir, metaFile))
  }
  const settings = topicSettings(context.settings, partitions, config)
  const added = Array.from({ length: partitions - log.partitions.length }, (_, i) =>
    openLog(context, topic, settings, log.partitions.length + i),
  )
  return { ...log, partitions: [...log.partitions, ...added] }
}

/** Opens every topic of the folder, and clears what a crash left of topics half made or half deleted. */
export function openTopicLogs(context: TopicLogContext): TopicLog[] {
  if (context.dir === undefined) return []
  mkdirSync(context.dir, { recursive: true })
  const topics: TopicLog[] = []
  for (const name of readdirSync(context.dir)) {
    if (/^\.(creating|deleted)-/.test(name)) rmSync(join(context.dir, name), { recursive: true })
    const path = join(context.dir, name, metaFile)
    if (!topicName.test(name) || !existsSync(path)) continue
    topics.push(openLogs(context, name, metaSchema.parse(JSON.parse(readFileSync(path, 'utf8')))))
  }
  return topics
}

export function deleteTopicLog(context: TopicLogContext, log: TopicLog): void {
  for (const partition of log.partitions) partition.close()
  if (context.dir === undefined) return
  const gone = join(context.dir, `.deleted-${log.topicId}`)
  renameSync(join(context.dir, log.topic), gone)
  rmSync(gone, { recursive: true })
}

function openLog(context: TopicLogContext, topic: string, settings: LogSettings, partition: number): PartitionLog {
  const dir = context.dir === undefined ? undefined : join(context.dir, topic, String(partition))
  return new PartitionLog({ ...context, settings, dir })
}

function openLogs(context: TopicLogContext, topic: string, meta: z.infer<typeof metaSchema>): TopicLog {
  const settings = topicSettings(context.settings, meta.partitions, meta.config)
  const partitions = Array.from({ length: meta.partitions }, (_, i) => openLog(context, topic, settings, i))
  return { topic, topicId: meta.topicId, config: meta.config, partitions }
}
