import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import type { Broker, OutgoingRecord } from '../../ports/broker.ts'
import { numberValue } from './number-decoder.ts'

/** What a contract test runs on. */
export interface BrokerSubject {
  readonly broker: Broker
  /** Deletes old records of partition 0, none at or after `offset`, some before it. */
  trim(topic: string, offset: number): Promise<void>
  cleanup(): Promise<void>
}

export type SubjectOf = () => BrokerSubject

const untilMsMax = 20_000

/** Resolves when `condition` holds. @throws {Error} After 20 s, with what it was waiting for. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + untilMsMax
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited ${untilMsMax} ms for: ${what}`)
    await sleep(5)
  }
}

/** Stands for any text that `pattern` matches, in `toMatchObject`. */
export function textLike(pattern: RegExp | string): unknown {
  return expect.stringMatching(pattern)
}

export async function newTopic(
  broker: Broker,
  partitions = 1,
  config: Readonly<Record<string, string>> = {},
): Promise<string> {
  const topic = `contract-${randomUUID()}`
  await broker.admin.createTopic({ topic, partitions, config })
  return topic
}

/** Numbers `from … to - 1` as records of one partition. */
export function numbers(from: number, to: number, partition = 0, bytes = 8): OutgoingRecord[] {
  return Array.from({ length: to - from }, (_, i) => ({ partition, key: null, value: numberValue(from + i, bytes) }))
}

export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i)
}
