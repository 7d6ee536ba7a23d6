/** A box of a diagram. */
export interface Node {
  readonly id: string
  readonly label: string
  readonly details: string
  /** What it stands in; nodes of one group follow each other. */
  readonly group?: string
}

export interface Graph {
  readonly nodes: readonly Node[]
  /** Pairs of node ids. */
  readonly edges: readonly (readonly [string, string])[]
}

/** Options of a step in one line. */
export function optionText(options: Readonly<Record<string, unknown>>): string {
  return Object.entries(options)
    .map(([name, value]) => `${name} ${Array.isArray(value) ? value.join(' ') : String(value)}`)
    .join(', ')
}

interface Group {
  readonly name: string | undefined
  readonly nodes: Node[]
}

function groupsOf({ nodes }: Graph): Group[] {
  const groups: Group[] = []
  for (const node of nodes) {
    const last = groups.at(-1)
    if (last !== undefined && last.name === node.group) last.nodes.push(node)
    else groups.push({ name: node.group, nodes: [node] })
  }
  return groups
}

/** Lines for people. */
export function drawText(title: string, graph: Graph): string {
  const { nodes, edges } = graph
  const line = (node: Node): string => {
    const targets = edges
      .filter(([from]) => from === node.id)
      .map(([, to]) => nodes.find(({ id }) => id === to)?.label ?? to)
    const arrow = targets.length > 0 ? `\n      --> ${targets.join(', ')}` : ''
    return `  ${node.label}${node.details === '' ? '' : `  (${node.details})`}${arrow}`
  }
  const lines = groupsOf(graph).flatMap((group) => [
    ...(group.name === undefined ? [] : [`stage ${group.name}`]),
    ...group.nodes.map(line),
  ])
  return [title, ...lines].join('\n')
}

export function drawMermaid(graph: Graph): string {
  const quoted = (value: string): string => `"${value.replaceAll('"', "'")}"`
  const box = (node: Node): string => `  ${node.id}[${quoted(node.label)}]`
  const boxes = groupsOf(graph).flatMap(({ name, nodes }, i) =>
    name === undefined ? nodes.map(box) : [`  subgraph group${i}[${quoted(name)}]`, ...nodes.map(box), '  end'],
  )
  return ['flowchart LR', ...boxes, ...graph.edges.map(([from, to]) => `  ${from} --> ${to}`)].join('\n')
}

export function drawDot(name: string, graph: Graph): string {
  const box = (node: Node): string => `  ${node.id} [label=${JSON.stringify(node.label)}];`
  const boxes = groupsOf(graph).flatMap((group, i) =>
    group.name === undefined
      ? group.nodes.map(box)
      : [`  subgraph cluster${i} { label=${JSON.stringify(group.name)};`, ...group.nodes.map(box), '  }'],
  )
  return [
    `digraph ${JSON.stringify(name)} {`,
    '  rankdir=LR; node [shape=box];',
    ...boxes,
    ...graph.edges.map(([from, to]) => `  ${from} -> ${to};`),
    '}',
  ].join('\n')
}
