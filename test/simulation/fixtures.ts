import { createEmbeddedRegistry } from '../../registry/embedded-registry.ts'
import { controlAvro } from '../../schemas/control.ts'
import { tickAvro } from '../../schemas/tick.ts'
import { topicNames } from '../../schemas/topics.ts'
import { type Codecs, createCodecs } from '../../topology/codecs.ts'
import { unknownSchemaId } from './workload.ts'

export const topics = topicNames('t.')

/** Made once for all worlds: nothing of a world is kept in them. */
export interface Fixtures {
  readonly codecs: Codecs
  /** Every id of a schema that stands in a log of ticks, one of them unknown. */
  readonly schemaIds: readonly number[]
  fetchSchema(id: number): Promise<object | undefined>
}

export async function createFixtures(): Promise<Fixtures> {
  const registry = await createEmbeddedRegistry()
  const codecs = await createCodecs(registry, topics)
  const tickId = await registry.register(`${topics.ticks}-value`, tickAvro)
  const controlId = await registry.register(`${topics.ticks}-control`, controlAvro)
  const schemaIds = [tickId, controlId, unknownSchemaId]
  const known = new Map<number, object | undefined>()
  for (const id of schemaIds) known.set(id, await registry.schema(id))
  return { codecs, schemaIds, fetchSchema: async (id) => known.get(id) }
}
