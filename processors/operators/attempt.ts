import { messageOf, RedwickError } from '../../schemas/errors.ts'
import type { Effects } from '../core/effects.ts'

/**
 * Runs a function of the user outside of a record's turn (a timer's). What it throws refuses the record that it is for;
 * errors of our own go on up.
 *
 * @param of The record, and the step that says so.
 * @returns Whether it returned.
 */
export function attempt(
  effects: Effects,
  of: { readonly offset: number; readonly key: string; readonly stepId: string },
  run: () => void,
): boolean {
  const { offset, key, stepId } = of
  try {
    run()
    return true
  } catch (error) {
    if (error instanceof RedwickError) throw error
    effects.refuse({ offset, key, stepId, result: 'rejected', detail: messageOf(error) })
    return false
  }
}
