import type { StepDescription } from '../processors/operators/step.ts'

function isStepDescription(value: unknown): value is StepDescription {
  return typeof value === 'object' && value !== null && 'operator' in value && 'options' in value
}

/** What an operator tells of itself; one of RxJS tells only its place. */
export function describeStep(operator: unknown, position: number): StepDescription {
  const described: unknown = typeof operator === 'function' && 'step' in operator ? operator.step : undefined
  return isStepDescription(described) ? described : { operator: `rxjs operator ${position}`, options: {} }
}
