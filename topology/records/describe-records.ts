import type { Flag } from '../../processors/core/stream-record.ts'
import type { StepDescription } from '../../processors/operators/step.ts'
import { type Graph, type Node, optionText } from '../graph.ts'
import type { RecordTopology, StageDeclaration, StageSource } from './declaration.ts'
import type { RecordSink } from './sinks.ts'

function sourceJson(source: StageSource): object {
  if (source.kind !== 'internal') return source
  const { kind, topic, inputs, partitions } = source
  return { kind, topic, inputs, ...(partitions === undefined ? {} : { partitions }) }
}

function sinkJson(one: RecordSink<never, Flag>): object {
  const { sink, name, guarantee, side } = one
  const described = { sink, name, guarantee, ...(side === undefined ? {} : { side }) }
  if (one.sink === 'table') return { ...described, columns: one.spec.columns, key: one.spec.key }
  if (one.sink === 'callback') return described
  return { ...described, schema: one.schema, ...(one.partitions === undefined ? {} : { partitions: one.partitions }) }
}

function stageJson({ name, source, watermark, steps, end }: StageDeclaration): object {
  return {
    ...{ name, source: sourceJson(source), watermark, steps },
    ...(end.kind === 'internal'
      ? { internal: { topic: end.topic, input: end.input } }
      : { sinks: end.sinks.map(sinkJson) }),
  }
}

/** What a topology of records is, as plain data: the same for the same declaration. */
export function recordTopologyJson({ name, stages }: RecordTopology): object {
  return { name, stages: stages.map(stageJson) }
}

function topicNode(id: string, source: StageSource): Node {
  const details =
    source.kind === 'records' ? optionText({ key: source.key, eventTime: source.eventTime }) : `${source.kind}`
  return { id, label: `topic ${source.topic}`, details }
}

/** The steps of a stage; those that a step holds stand between it and the next one. */
function stepGraph(steps: readonly StepDescription[], prefix: string, group: string, from: readonly string[]) {
  const nodes: Node[] = []
  const edges: (readonly [string, string])[] = []
  let ends = from
  for (const [i, { operator, id, options, inner = [] }] of steps.entries()) {
    const nodeId = `${prefix}step${i}`
    nodes.push({
      ...{ id: nodeId, group, details: optionText(options) },
      label: id === undefined ? operator : `${operator} '${id}'`,
    })
    edges.push(...ends.map((end) => [end, nodeId] as const))
    const held = inner.map((step, at) => stepGraph([step], `${nodeId}_${at}`, group, [nodeId]))
    nodes.push(...held.flatMap((one) => one.nodes))
    edges.push(...held.flatMap((one) => one.edges))
    ends = held.length === 0 ? [nodeId] : held.flatMap((one) => one.ends)
  }
  return { nodes, edges, ends }
}

/** Topics, the steps of each stage, and sinks; internal topics join the stages. */
export function recordGraph({ stages }: RecordTopology): Graph {
  const topics = new Map<string, Node>()
  for (const { source } of stages)
    if (!topics.has(source.topic)) topics.set(source.topic, topicNode(`topic${topics.size}`, source))
  const topicId = (topic: string): string => topics.get(topic)?.id ?? topic
  const nodes: Node[] = [...topics.values()]
  const edges: (readonly [string, string])[] = []
  for (const [i, { name, source, watermark, steps, end }] of stages.entries()) {
    const door: Node = {
      id: `stage${i}`,
      group: name,
      label: `admit to ${name}`,
      details: optionText({ ...watermark }),
    }
    const made = stepGraph(steps, `stage${i}`, name, [door.id])
    nodes.push(door, ...made.nodes)
    edges.push([topicId(source.topic), door.id], ...made.edges)
    if (end.kind === 'internal') edges.push(...made.ends.map((from) => [from, topicId(end.topic)] as const))
    else
      for (const [at, { sink, name: sinkName, guarantee, side }] of end.sinks.entries()) {
        const id = `stage${i}sink${at}`
        nodes.push({
          id,
          group: name,
          label: `${sink} ${sinkName}${side === undefined ? '' : ` of side '${side}'`}`,
          details: guarantee,
        })
        edges.push(...made.ends.map((from) => [from, id] as const))
      }
  }
  return { nodes, edges }
}
