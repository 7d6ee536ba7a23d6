import { z } from 'zod'
import { exitCodes, FatalError } from '../schemas/errors.ts'

/** One thing that a declaration says: a source, the watermark, a step, the sinks. */
export interface PlanPart {
  /** What it is matched by: a stateful step's id wherever it stands, else its place. */
  readonly key: string
  /** `source`, `watermark`, `sinks`, or the name of the operator. */
  readonly kind: string
  readonly label: string
  /** Name of its state; undefined for what holds none. */
  readonly id: string | undefined
  readonly options: ReadonlyMap<string, string>
}

const record = z.record(z.string(), z.unknown())
const stepShape = z.object({ operator: z.string(), id: z.string().optional(), options: record })
const sinkShape = z.object({ sink: z.string() }).loose()
const stageShape = z.object({ steps: z.array(stepShape), sinks: z.array(sinkShape).default([]) }).loose()
const declarationShape = z.union([z.object({ stages: z.array(stageShape) }).loose(), stageShape])

function text(value: unknown): string {
  if (Array.isArray(value)) return value.map(text).join(' ')
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** A length is told once: `within` in words goes where `withinMs` is. */
function optionsOf(values: Readonly<Record<string, unknown>>): Map<string, string> {
  return new Map(
    Object.entries(values).flatMap(([name, value]): [string, string][] =>
      `${name}Ms` in values || value === undefined ? [] : [[name, text(value)]],
    ),
  )
}

function stageParts(stage: z.infer<typeof stageShape>, prefix: string): PlanPart[] {
  // Topologies are compared by name: it is the same.
  const { steps, sinks, name: _, ...rest } = stage
  const place = (kind: string): string => `${prefix}${kind}`
  const plain: [string, unknown][] = []
  const before: PlanPart[] = []
  for (const [name, value] of Object.entries(rest)) {
    const parsed = record.safeParse(value)
    if (!parsed.success) plain.push([name, value])
    else
      before.push({ key: place(name), kind: name, label: place(name), id: undefined, options: optionsOf(parsed.data) })
  }
  const seen = new Map<string, number>()
  const stepParts = steps.map(({ operator, id, options }): PlanPart => {
    const nth = (seen.get(operator) ?? 0) + 1
    seen.set(operator, nth)
    const isOnly = steps.filter((other) => other.operator === operator).length === 1
    const name = id === undefined ? (isOnly ? operator : `${operator} ${nth}`) : `${operator} '${id}'`
    const key = id === undefined ? `${prefix}step ${operator} ${nth}` : `id ${id}`
    return { key, kind: operator, label: place(name), id, options: optionsOf(options) }
  })
  const stageOptions = optionsOf(Object.fromEntries(plain))
  const own: PlanPart[] =
    stageOptions.size === 0
      ? []
      : [{ key: place('topology'), kind: 'topology', label: place('topology'), id: undefined, options: stageOptions }]
  const ends: PlanPart[] =
    sinks.length === 0
      ? []
      : [
          {
            key: place('sinks'),
            kind: 'sinks',
            label: place('sinks'),
            id: undefined,
            options: new Map(sinks.map(({ sink, ...more }) => [sink, Object.values(more).map(text).join(' ')])),
          },
        ]
  return [...own, ...before, ...stepParts, ...ends]
}

/**
 * What a declaration says, part by part and in its order, whether it has one stage or several.
 *
 * @param declaration  JSON text, as of `topologyJson`.
 * @throws {FatalError} `STATE_INCOMPATIBLE` for a text that is no declaration.
 */
export function declarationParts(declaration: string): PlanPart[] {
  let json: unknown
  try {
    json = JSON.parse(declaration)
  } catch {
    json = undefined
  }
  const parsed = declarationShape.safeParse(json)
  if (!parsed.success) {
    throw new FatalError({
      code: 'STATE_INCOMPATIBLE',
      message: 'the declaration that the store keeps cannot be read',
      why: z.prettifyError(parsed.error),
      hint: 'run the version of Redwick that wrote it, or use another data directory or database',
      exitCode: exitCodes.config,
    })
  }
  const { data } = parsed
  if (!Array.isArray(data.stages)) return stageParts(stageShape.parse(data), '')
  const { stages, ...rest } = data
  const shared = stageParts({ ...rest, steps: [], sinks: [] }, '')
  return [
    ...shared,
    ...z
      .array(stageShape)
      .parse(stages)
      .flatMap((stage, i) => stageParts(stage, stages.length === 1 ? '' : `stage ${stageName(stage, i)}: `)),
  ]
}

function stageName(stage: Readonly<Record<string, unknown>>, i: number): string {
  const named = stage['id'] ?? stage['name']
  return typeof named === 'string' ? named : String(i + 1)
}
