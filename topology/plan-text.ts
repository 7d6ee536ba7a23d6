import type { Plan, PlanChange, PlanSection } from './plan.ts'
import type { PlanEffect } from './plan-rules.ts'

const effectNames: Readonly<Record<PlanEffect, string>> = {
  safe: 'safe',
  alters: 'alters results',
  refused: 'REFUSED',
}

function changeLine({ option, from, to, effect, says }: PlanChange): string {
  const what = option === '' ? (from === undefined ? 'added' : to === undefined ? 'removed' : 'changed') : option
  const mark = from === undefined ? '+' : to === undefined ? '-' : '~'
  const values =
    option === '' && (from === undefined || to === undefined) ? '' : `  ${from || '(none)'} -> ${to || '(none)'}`
  return `      ${mark} ${what}${values}\n        ${effectNames[effect]}: ${says}`
}

function sectionText({ label, changes }: PlanSection): string {
  if (changes.length === 0) return `    ${label}`
  return [`  * ${label}`, ...changes.map(changeLine)].join('\n')
}

function headline({ verdict, lastRun, name, hash, isCommitted }: Plan): string {
  if (lastRun === undefined && isCommitted)
    return `topology ${name}  ${hash}  (what ran here kept no declaration: nothing can be compared)`
  if (lastRun === undefined)
    return `topology ${name}  ${hash}  (no declaration of this name has run against this store)`
  const at = new Date(lastRun.at).toISOString()
  if (verdict === 'unchanged' || lastRun.hash === hash) return `topology ${name}  ${hash}  last ran ${at}`
  return `topology ${name}  ${lastRun.hash} (last ran ${at}) -> ${hash}`
}

function conclusion({ verdict, sections }: Plan): string {
  const changes = sections.flatMap((section) => section.changes)
  const count = (effect: PlanEffect): number => changes.filter((one) => one.effect === effect).length
  const parts = (['safe', 'alters', 'refused'] as const).flatMap((effect) =>
    count(effect) === 0 ? [] : [`${count(effect)} ${effectNames[effect]}`],
  )
  switch (verdict) {
    case 'new':
      return 'new: it may run'
    case 'unchanged':
      return 'unchanged: it may run'
    case 'changed':
      return `changed (${parts.join(', ')}): it may run; what is stored stays as it is`
    case 'refused':
      return `refused (${parts.join(', ')}): a start would end with STATE_INCOMPATIBLE or TOPIC_CHANGED`
  }
}

/** A plan for people: every part, with what changed below it. */
export function planText(plan: Plan): string {
  return [headline(plan), ...plan.sections.map(sectionText), conclusion(plan)].join('\n')
}
