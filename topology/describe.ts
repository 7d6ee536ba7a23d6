import { createHash } from 'node:crypto'
import type { Topology } from './candle-topology.ts'
import { drawDot, drawMermaid, drawText, type Graph, type Node, optionText } from './graph.ts'
import type { RecordTopology } from './records/declaration.ts'
import { recordGraph, recordTopologyJson } from './records/describe-records.ts'

export const describeFormats = ['text', 'json', 'mermaid', 'dot'] as const
export type DescribeFormat = (typeof describeFormats)[number]

/** What the topology is, as plain data: the same for the same declaration. */
export function topologyJson(topology: Topology | RecordTopology): object {
  if (topology.kind === 'records') return recordTopologyJson(topology)
  const { name, source, watermark, steps, sinks } = topology
  return { name, source, watermark, steps, sinks }
}

/** Stable name of a declaration; changes with anything that `topologyJson` shows. */
export function topologyHash(topology: Topology | RecordTopology): string {
  return createHash('sha256')
    .update(JSON.stringify(topologyJson(topology)))
    .digest('hex')
    .slice(0, 16)
}

function candleGraph({ source, watermark, steps, sinks }: Topology): Graph {
  const first: Node = {
    id: 'source',
    label: `topic ${source.topic}`,
    details: `key ${source.key}, ${optionText({ ...watermark })}`,
  }
  const middle = steps.map(
    (step, i): Node => ({
      id: `step${i}`,
      label: step.id === undefined ? step.operator : `${step.operator} '${step.id}'`,
      details: optionText(step.options),
    }),
  )
  const last = sinks.map((sink, i): Node => ({ id: `sink${i}`, label: sink.sink, details: sink.guarantee }))
  const line = [first, ...middle]
  const end = line.at(-1) ?? first
  return {
    nodes: [...line, ...last],
    edges: [
      ...line.slice(1).map((node, i) => [line[i]?.id ?? first.id, node.id] as const),
      ...last.map((node) => [end.id, node.id] as const),
    ],
  }
}

/** The topology for people (`text`), programs (`json`) and diagrams (`mermaid`, `dot`). */
export function describeTopology(topology: Topology | RecordTopology, format: DescribeFormat): string {
  const graph = topology.kind === 'records' ? recordGraph(topology) : candleGraph(topology)
  switch (format) {
    case 'text':
      return drawText(`topology ${topology.name}  ${topologyHash(topology)}`, graph)
    case 'json':
      return JSON.stringify({ ...topologyJson(topology), hash: topologyHash(topology) }, null, 2)
    case 'mermaid':
      return drawMermaid(graph)
    case 'dot':
      return drawDot(topology.name, graph)
  }
}
