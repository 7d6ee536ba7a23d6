import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { BatchHandler } from '../../ports/broker.ts'
import type { ColumnBatch } from '../../schemas/columns.ts'
import { collect } from './collector.ts'
import { newTopic, numbers, range, type SubjectOf, textLike, until } from './subject.ts'

/** Partitions shared out over the members of a group. */
export function groupContract(subject: SubjectOf): void {
  describe('groups', () => {
    it('gives a lone member every partition', async () => {
      const { broker } = subject()
      const reader = await collect(broker, { topic: await newTopic(broker, 4) })
      await until(() => reader.owned.size === 4, 'four partitions')
      expect(reader.events).toEqual(['assigned 0,1,2,3'])
      await reader.subscription.close()
      expect(reader.events).toEqual(['assigned 0,1,2,3'])
    })

    it('gives each partition one owner at a time while members come and go, and loses nothing', async () => {
      const { broker } = subject()
      const topic = await newTopic(broker, 4)
      const producer = await broker.createProducer()
      const group = sharedGroup()
      const produce = async (from: number, to: number) => {
        for (let value = from; value < to; value++) await producer.send(topic, numbers(value, value + 1, value % 4))
      }
      await produce(0, 40)
      const join = () => collect(broker, { topic, groupId: group.id, on: group.member() })
      const first = await join()
      await until(() => group.seen.length >= 40, 'the first forty')
      const [second] = await Promise.all([join(), produce(40, 80)])
      await until(() => first.owned.size === 2 && second.owned.size === 2, 'two each')
      await produce(80, 120)
      await until(() => group.seen.length >= 120, 'one hundred and twenty')
      const third = await join()
      await until(() => first.owned.size + second.owned.size + third.owned.size === 4 && third.owned.size > 0, 'three')
      await produce(120, 160)
      await until(() => group.seen.length >= 160, 'one hundred and sixty')
      group.leavers.add(1)
      await second.subscription.close()
      second.owned.clear()
      await until(() => first.owned.size + third.owned.size === 4, 'two again')
      await produce(160, 200)
      await until(() => group.seen.length >= 200, 'two hundred')
      expect([...group.seen].sort((a, b) => a - b)).toEqual(range(0, 200))
      expect(group.violations).toEqual([])
      expect(first.events.slice(0, 2)).toEqual(['assigned 0,1,2,3', 'revoked 0,1,2,3'])
      await Promise.all([first.subscription.close(), third.subscription.close()])
      await producer.close()
    })

    it('waits for the batch in hand and for the old owner before the new one starts', async () => {
      const { broker } = subject()
      const topic = await newTopic(broker, 2)
      const producer = await broker.createProducer()
      await producer.send(topic, [...numbers(0, 1, 0), ...numbers(1, 2, 1)])
      const groupId = `group-${randomUUID()}`
      const steps: string[] = []
      const slow: Partial<BatchHandler<ColumnBatch>> = {
        async batch() {
          steps.push('batch begins')
          await sleep(300)
          steps.push('batch ends')
        },
        async revoked() {
          steps.push('revoked begins')
          await sleep(300)
          steps.push('revoked ends')
        },
      }
      const first = await collect(broker, { topic, groupId, on: slow })
      await until(() => steps.length > 0, 'a batch in hand')
      const newcomer = collect(broker, {
        ...{ topic, groupId, starts: new Map([0, 1].map((partition) => [partition, 1])) },
        on: {
          async assigned(partitions) {
            steps.push('new owner assigned')
            return new Map(partitions.map((partition) => [partition, 1]))
          },
        },
      })
      await until(() => steps.includes('new owner assigned'), 'the new owner')
      const begins = steps.indexOf('revoked begins')
      expect(steps.slice(begins, begins + 3)).toEqual(['revoked begins', 'revoked ends', 'new owner assigned'])
      expect(steps[begins - 1]).toBe('batch ends')
      const second = await newcomer
      await Promise.all([first.subscription.close(), second.subscription.close()])
      await producer.close()
    })

    it('tells a member that has not yet said where to start when its partitions are taken away', async () => {
      const { broker } = subject()
      const topic = await newTopic(broker, 2)
      const groupId = `group-${randomUUID()}`
      let asked = 0
      const undecided = await collect(broker, {
        ...{ topic, groupId },
        on: {
          assigned: (partitions, signal) =>
            new Promise((resolve) => {
              asked += 1
              if (asked > 1) resolve(new Map(partitions.map((partition) => [partition, 0])))
              else signal.addEventListener('abort', () => resolve(new Map()))
            }),
        },
      })
      await until(() => asked === 1, 'the first assignment')
      const second = await collect(broker, { topic, groupId })
      await until(() => undecided.owned.size === 1 && second.owned.size === 1, 'one partition each')
      expect(undecided.events.slice(0, 2)).toEqual(['assigned 0,1', 'revoked 0,1'])
      expect([...undecided.errors, ...second.errors]).toEqual([])
      await Promise.all([undecided.subscription.close(), second.subscription.close()])
    })

    it('stores offsets for lag tools', async () => {
      const { broker } = subject()
      const topic = await newTopic(broker, 2)
      const groupId = `group-${randomUUID()}`
      const reader = await collect(broker, { topic, groupId })
      await until(() => reader.owned.size === 2, 'the partitions')
      await reader.subscription.commitOffsets(new Map([[0, 7]]))
      expect((await broker.admin.groupOffsets(groupId, topic)).get(0)).toBe(7)
      expect((await broker.admin.groupOffsets(groupId, topic)).get(1)).toBeUndefined()
      await reader.subscription.close()
    })

    it('fails with both offsets when a partition is to start where nothing is', async () => {
      const { broker } = subject()
      const topic = await newTopic(broker)
      const producer = await broker.createProducer()
      await producer.send(topic, numbers(0, 3))
      const reader = await collect(broker, { topic, starts: new Map([[0, 4]]) })
      await until(() => reader.errors.length > 0, 'the failure')
      expect(reader.errors).toMatchObject([{ code: 'OFFSET_OUT_OF_RANGE', message: textLike(/offset 4.*0 to 3/) }])
      expect(reader.batches).toEqual([])
      await reader.subscription.close()
      await producer.close()
    })

    it('fails the same way before the first offset that retention left', async () => {
      const { broker, trim } = subject()
      const topic = await newTopic(broker, 1, { 'retention.bytes': '100000' })
      const producer = await broker.createProducer()
      for (let i = 0; i < 50; i++) await producer.send(topic, numbers(i, i + 1, 0, 8_192))
      await trim(topic, 40)
      const { earliest = 0, latest } = (await broker.admin.offsets(topic)).get(0) ?? {}
      expect(earliest).toBeGreaterThan(0)
      expect(earliest).toBeLessThanOrEqual(40)
      expect(latest).toBe(50)
      const reader = await collect(broker, { topic })
      await until(() => reader.errors.length > 0, 'the failure')
      expect(reader.errors[0]?.message).toContain(`${earliest} to 50`)
      const right = await collect(broker, { topic, starts: new Map([[0, earliest]]) })
      await until(() => right.values.includes(49), 'the last record')
      expect(right.values).toEqual(range(earliest, 50))
      await Promise.all([reader.subscription.close(), right.subscription.close()])
      await producer.close()
    })
  })
}

/** A group whose members share committed positions, and which notices two owners of one partition. */
function sharedGroup() {
  const committed = new Map<number, number>()
  const owners = new Map<number, number>()
  const seen: number[] = []
  const violations: string[] = []
  /** Members that leave without being asked to give up what they own. */
  const leavers = new Set<number>()
  let members = 0
  return {
    id: `group-${randomUUID()}`,
    seen,
    violations,
    leavers,
    member(): Partial<BatchHandler<ColumnBatch>> {
      const me = members
      members += 1
      return {
        async assigned(partitions) {
          for (const partition of partitions) {
            const owner = owners.get(partition)
            if (owner !== undefined && !leavers.has(owner))
              violations.push(`${partition} given to ${me}, owned by ${owner}`)
            owners.set(partition, me)
          }
          return new Map(partitions.map((partition) => [partition, committed.get(partition) ?? 0]))
        },
        batch({ partition, baseOffset, nextOffset, columns }) {
          if (owners.get(partition) !== me) violations.push(`${me} read ${partition}`)
          if ((committed.get(partition) ?? 0) !== baseOffset) violations.push(`${partition} jumped to ${baseOffset}`)
          committed.set(partition, nextOffset)
          seen.push(...columns.price.subarray(0, columns.length))
          return undefined
        },
        async revoked(partitions) {
          await sleep(20)
          for (const partition of partitions) if (owners.get(partition) === me) owners.delete(partition)
        },
      }
    },
  }
}
