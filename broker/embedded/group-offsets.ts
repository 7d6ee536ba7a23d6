import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

const fileSchema = z.array(z.tuple([z.string(), z.string(), z.int(), z.int()]))

/** Offsets that groups stored, for lag tools only: in the file now and then, and at close. */
interface GroupOffsets {
  get(groupId: string, topic: string): ReadonlyMap<number, number>
  set(groupId: string, topic: string, offsets: ReadonlyMap<number, number>): void
  deleteTopic(topic: string): void
  save(): void
}

export function createGroupOffsets(dir: string | undefined): GroupOffsets {
  const path = dir === undefined ? undefined : join(dir, '.group-offsets.json')
  const groups = new Map<string, Map<string, Map<number, number>>>()
  let dirty = false

  function partitionsOf(groupId: string, topic: string): Map<number, number> {
    const topics = groups.get(groupId) ?? new Map<string, Map<number, number>>()
    groups.set(groupId, topics)
    const partitions = topics.get(topic) ?? new Map<number, number>()
    topics.set(topic, partitions)
    return partitions
  }

  if (path !== undefined && existsSync(path))
    for (const [groupId, topic, partition, offset] of fileSchema.parse(JSON.parse(readFileSync(path, 'utf8'))))
      partitionsOf(groupId, topic).set(partition, offset)

  return {
    get: (groupId, topic) => new Map(groups.get(groupId)?.get(topic)),
    set(groupId, topic, offsets) {
      const partitions = partitionsOf(groupId, topic)
      for (const [partition, offset] of offsets) partitions.set(partition, offset)
      dirty = true
    },
    deleteTopic(topic) {
      for (const topics of groups.values()) topics.delete(topic)
      dirty = true
    },
    save() {
      if (path === undefined || !dirty) return
      const rows: [string, string, number, number][] = []
      for (const [groupId, topics] of groups)
        for (const [topic, partitions] of topics)
          for (const [partition, offset] of partitions) rows.push([groupId, topic, partition, offset])
      writeFileSync(`${path}.part`, JSON.stringify(rows))
      renameSync(`${path}.part`, path)
      dirty = false
    },
  }
}
