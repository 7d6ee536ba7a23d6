import { createHash } from 'node:crypto'
import type { Topology } from './topology.ts'

export const describeFormats = ['text', 'json', 'mermaid', 'dot'] as const
export type DescribeFormat = (typeof describeFormats)[number]

interface Node {
  readonly id: string
  readonly label: string
  readonly details: string
}

interface Graph {
  readonly nodes: readonly Node[]
  /** Pairs of node ids. */
  readonly edges: readonly (readonly [string, string])[]
}

/** What the topology is, as plain data: the same for the same declaration. */
export function topologyJson(topology: Topology): object {
  const { name, source, watermark, steps, sinks } = topology
  return { name, source, watermark, steps, sinks }
}

/** Stable name of a declaration; changes with anything that `topologyJson` shows. */
export function topologyHash(topology: Topology): string {
  return createHash('sha256')
    .update(JSON.stringify(topologyJson(topology)))
    .digest('hex')
    .slice(0, 16)
}

function optionText(options: Readonly<Record<string, unknown>>): string {
  return Object.entries(options)
    .map(([name, value]) => `${name} ${Array.isArray(value) ? value.join(' ') : String(value)}`)
    .join(', ')
}

function graphOf({ source, watermark, steps, sinks }: Topology): Graph {
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

function text(topology: Topology): string {
  const { nodes, edges } = graphOf(topology)
  const lines = nodes.map((node) => {
    const targets = edges
      .filter(([from]) => from === node.id)
      .map(([, to]) => nodes.find(({ id }) => id === to)?.label ?? to)
    const arrow = targets.length > 0 ? `\n      --> ${targets.join(', ')}` : ''
    return `  ${node.label}${node.details === '' ? '' : `  (${node.details})`}${arrow}`
  })
  return [`topology ${topology.name}  ${topologyHash(topology)}`, ...lines].join('\n')
}

function mermaid(topology: Topology): string {
  const { nodes, edges } = graphOf(topology)
  const quoted = (value: string): string => `"${value.replaceAll('"', "'")}"`
  return [
    'flowchart LR',
    ...nodes.map((node) => `  ${node.id}[${quoted(node.label)}]`),
    ...edges.map(([from, to]) => `  ${from} --> ${to}`),
  ].join('\n')
}

function dot(topology: Topology): string {
  const { nodes, edges } = graphOf(topology)
  return [
    `digraph ${JSON.stringify(topology.name)} {`,
    '  rankdir=LR; node [shape=box];',
    ...nodes.map((node) => `  ${node.id} [label=${JSON.stringify(node.label)}];`),
    ...edges.map(([from, to]) => `  ${from} -> ${to};`),
    '}',
  ].join('\n')
}

/** The topology for people (`text`), programs (`json`) and diagrams (`mermaid`, `dot`). */
export function describeTopology(topology: Topology, format: DescribeFormat): string {
  switch (format) {
    case 'text':
      return text(topology)
    case 'json':
      return JSON.stringify({ ...topologyJson(topology), hash: topologyHash(topology) }, null, 2)
    case 'mermaid':
      return mermaid(topology)
    case 'dot':
      return dot(topology)
  }
}
