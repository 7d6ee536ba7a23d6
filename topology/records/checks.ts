import type { StepDescription } from '../../processors/operators/step.ts'
import { invariant } from '../../schemas/errors.ts'
import type { StageDeclaration } from './declaration.ts'
import type { RecordSink } from './sinks.ts'

/** Of the topic of dead letters, which stands beside a topology's internal topics. */
export const deadLettersId = 'dead-letters'

/** Name of a topic of a topology's own, without the platform's prefix. */
export const internalTopic = (topology: string, id: string): string => `redwick.${topology}.${id}`

/** The id of every stage's door. */
const doorId = 'source'

const innerOf = (step: StepDescription): readonly StepDescription[] =>
  (step.inner ?? []).flatMap((one) => [one, ...innerOf(one)])

/**
 * Checks the steps of a topology, those that others hold among them: ids name their state, also to who compares two
 * declarations, and a topology is not cut within a `branch` or a `merge`.
 *
 * @throws {InvariantViolation}
 */
export function checkSteps(steps: readonly StepDescription[]): void {
  const inner = steps.flatMap(innerOf)
  const cut = inner.find(({ operator }) => operator === 'keyBy')
  invariant(
    cut === undefined,
    () => `keyBy stands in a stream itself, not in a branch or merge, was '${cut?.id}' in one`,
  )
  const ids = [doorId, ...[...steps, ...inner].flatMap(({ id }) => (id === undefined ? [] : [id]))]
  invariant(new Set(ids).size === ids.length, () => `every stateful step has an id of its own, was ${ids.join(', ')}`)
}

/**
 * Checks that sinks are told apart, and that none feeds the topology with what it wrote.
 *
 * @throws {InvariantViolation}
 */
export function checkSinks(
  topology: string,
  stages: readonly StageDeclaration[],
  sinks: readonly RecordSink<never>[],
): void {
  const read = new Set([internalTopic(topology, deadLettersId), ...stages.map(({ source }) => source.topic)])
  const callbacks = new Set<string>()
  for (const { sink, name } of sinks) {
    invariant(sink !== 'topic' || !read.has(name), () => `a topology writes to no topic that it reads, was ${name}`)
    if (sink !== 'callback') continue
    invariant(!callbacks.has(name), () => `every callback has an id of its own, was ${name} twice`)
    callbacks.add(name)
  }
}
