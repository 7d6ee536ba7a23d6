import { createByteReader, createByteWriter } from '../../processors/core/byte-buffer.ts'
import type { Codec } from '../../processors/core/codec.ts'
import type { Rekey } from '../../processors/operators/key-by.ts'
import { invariant } from '../../schemas/errors.ts'
import type { Declared } from '../sources.ts'
import { describeStep } from '../steps.ts'
import { checkSinks, checkSteps, deadLettersId, internalTopic } from './checks.ts'
import type { Crossing, InternalEnd, SinksEnd, StageDeclaration, StageSource } from './declaration.ts'
import type { RecordSink } from './sinks.ts'

function rekeyOf(operator: unknown): Rekey<unknown> | undefined {
  // Only `keyBy` makes it.
  return typeof operator === 'function' && 'rekey' in operator ? (operator.rekey as Rekey<unknown>) : undefined
}

function crossingOf(codec: Codec<unknown>): Crossing {
  return {
    pack(value) {
      const writer = createByteWriter(128)
      codec.write(writer, value)
      return writer.finish()
    },
    unpack: (payload) => codec.read(createByteReader(payload)),
  }
}

/** A topology under construction: its name, and the stages so far, upstream first. */
interface Plan {
  readonly name: string
  readonly stages: StageDeclaration[]
  /** Of internal topics. */
  readonly ids: Set<string>
}

/** The internal topic of an id, which is given once: two that share one would read each other's records. */
function claimTopic(plan: Plan, id: string): string {
  invariant(
    !plan.ids.has(id),
    () => `every internal topic has an id of its own ('${deadLettersId}' is taken), was ${id} twice`,
  )
  plan.ids.add(id)
  return internalTopic(plan.name, id)
}

/** Puts in the stages of the streams that come together. @returns The source that they make. */
function together(plan: Plan, declared: Declared<unknown>): StageSource {
  const { source } = declared
  invariant(source.kind === 'co-partitioned', 'streams come together')
  const topic = claimTopic(plan, source.id)
  const names: string[] = []
  const crossings = source.inputs.map(([, input]) => crossingOf(input.codec))
  for (const [at, [name, input]] of source.inputs.entries()) {
    const stage = `${plan.name}.${source.id}.${name}`
    const end: InternalEnd = {
      ...{ kind: 'internal', topic, input: at, key: (value) => input.key(value) },
      crossing: crossings[at] as Crossing,
    }
    stagesOf(plan, stage, input.stream.declared, end)
    names.push(stage)
  }
  return {
    ...{ kind: 'internal', topic, inputs: names },
    ...(source.partitions === undefined ? {} : { partitions: source.partitions }),
    unpack: (input, payload) => ({ from: source.inputs[input]?.[0], value: crossings[input]?.unpack(payload) }),
  }
}

/** Puts in the stages of a stream, cut at each `keyBy`; the last one is named `last`. */
function stagesOf(plan: Plan, last: string, declared: Declared<unknown>, end: InternalEnd | SinksEnd): void {
  const { watermark, operators } = declared
  let source: StageSource = declared.source.kind === 'co-partitioned' ? together(plan, declared) : declared.source
  let run: Declared<unknown>['operators'][number][] = []
  const put = (name: string, stageEnd: InternalEnd | SinksEnd): void => {
    plan.stages.push({ name, source, watermark, steps: run.map(describeStep), operators: run, end: stageEnd })
  }
  for (const operator of operators) {
    const rekey = rekeyOf(operator)
    if (rekey === undefined) {
      run.push(operator)
      continue
    }
    const { id, key, codec, partitions } = rekey
    const topic = claimTopic(plan, id)
    const crossing = crossingOf(codec)
    const name = `${last}.before-${id}`
    put(name, { kind: 'internal', topic, input: 0, key, crossing })
    source = {
      ...{ kind: 'internal', topic, inputs: [name], unpack: (_input, payload) => crossing.unpack(payload) },
      ...(partitions === undefined ? {} : { partitions }),
    }
    run = []
  }
  put(last, end)
}

/** Cuts a topology of records into stages, upstream before downstream. @throws {InvariantViolation} */
export function buildStages(declared: Declared<unknown>, sinks: readonly RecordSink<never>[]): StageDeclaration[] {
  const plan: Plan = { name: declared.name, stages: [], ids: new Set([deadLettersId]) }
  stagesOf(plan, declared.name, declared, { kind: 'sinks', sinks })
  const names = plan.stages.map(({ name }) => name)
  invariant(new Set(names).size === names.length, () => `every stage has a name of its own, was ${names.join(', ')}`)
  checkSteps(plan.stages.flatMap(({ steps }) => steps))
  checkSinks(declared.name, plan.stages, sinks)
  return plan.stages
}
