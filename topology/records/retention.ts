import type { Broker } from '../../ports/broker.ts'

/**
 * Where stages read one topic, what none of them needs any more is what the slowest has committed.
 *
 * @param readers Stages that read each topic, by name.
 * @returns `retainFrom` of one stage. Nothing goes before each stage has committed.
 */
export function createRetention(
  retainFrom: Broker['retainFrom'],
  readers: ReadonlyMap<string, readonly string[]>,
): (stage: string) => Broker['retainFrom'] {
  const committed = new Map<string, ReadonlyMap<number, number>>()
  return (stage) => (topic, offsets) => {
    committed.set(stage, new Map([...(committed.get(stage) ?? []), ...offsets]))
    const all = readers.get(topic) ?? [stage]
    const least = [...offsets.keys()].map((partition) => {
      const held = all.map((reader) => committed.get(reader)?.get(partition) ?? 0)
      return [partition, Math.min(...held)] as const
    })
    retainFrom(topic, new Map(least))
  }
}
