import type { PlanPart } from './plan-parts.ts'

/** What a change does to a store that holds results of what ran before. */
export type PlanEffect = 'safe' | 'alters' | 'refused'

/** What a change does, and why. */
export interface Rule {
  readonly effect: PlanEffect
  readonly says: string
}

const safe = (says: string): Rule => ({ effect: 'safe', says })
const alters = (says: string): Rule => ({ effect: 'alters', says })
const refused = (says: string): Rule => ({ effect: 'refused', says })

const otherRecords = 'the committed offsets and the state belong to the other one'

/** By kind and option. */
const optionRules = new Map<string, Rule>([
  ['source.topic', refused(`${otherRecords}: in this topic they mean other records`)],
  ['source.key', refused('symbols would move to partitions that do not hold their state')],
  ['source.eventTime', refused('stored candles and open windows are in the other time')],
  ['source.schema', alters('records are read as another schema from now on')],
  [
    'watermark.outOfOrdernessMs',
    alters('windows close by another delay from now on: other ticks become corrections, or late'),
  ],
  [
    'watermark.idleAfterMs',
    safe('windows of a quiet line close this long after it went quiet, from now on; what they hold stays the same'),
  ],
  [
    'watermark.futureBoundMs',
    safe('from now on ticks ahead of their append time by more than this are dead letters; what is stored stays'),
  ],
  ['toCandles.emitEveryMs', safe('updates of open candles come at this pace; finals are not concerned')],
  ['toCandles.base', refused('stored base candles and open windows have the other length')],
  ['toCandles.baseMs', refused('stored base candles and open windows have the other length')],
  [
    'toCandles.rollUp',
    refused('the state holds the windows of the other intervals; an added one would begin without what came before'),
  ],
  [
    'toCandles.allowedLatenessMs',
    refused('windows of the state were kept, and ticks judged late, by the other lateness: corrections would be lost'),
  ],
  ['deduplicate.withinMs', alters('ids are remembered for this long from now on: other repeated ticks are found')],
  ['deduplicate.by', refused('the ids in its state are of the other kind')],
])

/** Options that say what the windows and keys of a state are, whatever the step. */
const stateShape = /^(key|by|size|advance|gap|shift|count|zone|calendar|base|lateness|allowedLateness|rollUp)(Ms)?$/

/** What another value of an option does. `from`, `to`: undefined where it is not there. */
export function optionRule(part: PlanPart, option: string, from: string | undefined, to: string | undefined): Rule {
  if (part.kind === 'sinks') return sinkRule(from, to)
  const known = optionRules.get(`${part.kind}.${option}`)
  if (known !== undefined) return known
  if (part.id !== undefined && stateShape.test(option))
    return refused(`its state was made with ${from === undefined ? 'no' : 'the other'} ${option}`)
  return alters('what comes out of it is another from now on; what is stored stays')
}

function sinkRule(from: string | undefined, to: string | undefined): Rule {
  if (from === undefined) return safe('gets what is emitted from now on; what came before is not sent after')
  if (to === undefined) return safe('gets nothing any more; what it holds stays as it is')
  return safe('what it holds stays; the other guarantee is for what comes from now on')
}

/** What a part does that was `added`, `removed`, or whose id another operator has now (`replaced`). */
export function partRule(part: PlanPart, change: 'added' | 'removed' | 'replaced', added: readonly PlanPart[]): Rule {
  if (part.kind === 'sinks') return change === 'added' ? sinkRule(undefined, '') : sinkRule('', undefined)
  if (change === 'replaced')
    return refused('the state under this id was written by another operator: it would be orphaned')
  if (part.id === undefined) return alters('what follows gets other records from now on; what is stored stays')
  if (change === 'added') return alters('it begins without state at the committed offsets')
  const heir = added.find(({ kind, id }) => kind === part.kind && id !== undefined)
  const renamed = heir === undefined ? '' : `; was it renamed to '${heir.id}'? then give it its old id back`
  return refused(`the state under the id '${part.id}' would be orphaned${renamed}`)
}

export const orderRule: Rule = alters('the same steps see other records from now on; what is stored stays')
