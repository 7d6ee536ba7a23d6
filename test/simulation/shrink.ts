import { controlHeader } from '../../schemas/control.ts'
import type { Script } from './script.ts'
import type { Appended } from './workload.ts'

/** Scripts that are tried, at most. */
const triesMax = 400

/** A marker counts the history before it: both stay. */
const mayGo = ({ topic, records }: Appended): boolean =>
  topic === 'ticks' && records.every(({ headers }) => headers?.[controlHeader] !== 'history')

/**
 * Leaves out faults, then records, for as long as the rest still fails: halves first, then ever smaller pieces.
 *
 * @param isFailing Whether a script still fails.
 */
export async function shrink(script: Script, isFailing: (script: Script) => Promise<boolean>): Promise<Script> {
  let tries = 0
  const leaveOut = async <T>(
    list: readonly T[],
    isLoose: (item: T) => boolean,
    withList: (rest: readonly T[]) => Script,
  ): Promise<readonly T[]> => {
    let rest = list
    for (let size = Math.ceil(list.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2))
      for (let from = 0; from < rest.length && tries < triesMax; ) {
        const fewer = rest.filter((item, i) => i < from || i >= from + size || !isLoose(item))
        tries += 1
        if (fewer.length < rest.length && (await isFailing(withList(fewer)))) rest = fewer
        else from += size
      }
    return rest
  }
  const faults = await leaveOut(
    script.faults,
    () => true,
    (some) => ({ ...script, faults: some }),
  )
  const appended = await leaveOut(script.appended, mayGo, (some) => ({ ...script, faults, appended: some }))
  return { ...script, faults, appended }
}
