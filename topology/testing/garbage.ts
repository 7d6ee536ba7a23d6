import { setImmediate as afterThisTurn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Collects what nothing holds any more; weak references hold until the turn in which they were made is over. */
export async function collectGarbage(): Promise<void> {
  await afterThisTurn()
  collect()
}
