import type { StoredTopology, TopicIdentity, TopologyDeclaration } from '../ports/candle-store.ts'
import { declarationParts, type PlanPart } from './plan-parts.ts'
import { optionRule, orderRule, partRule, type Rule } from './plan-rules.ts'

export interface PlanChange extends Rule {
  /** Name of the option; empty for the part itself. */
  readonly option: string
  /** Undefined where it was not there, or is not any more. */
  readonly from: string | undefined
  readonly to: string | undefined
}

/** One part of a declaration, with what changed of it. */
export interface PlanSection {
  readonly label: string
  readonly changes: readonly PlanChange[]
}

/** What a declared topology would do to a store. */
export interface Plan {
  readonly name: string
  readonly hash: string
  /** `new`: nothing of this name ran here. */
  readonly verdict: 'new' | 'unchanged' | 'changed' | 'refused'
  readonly lastRun: { readonly hash: string; readonly at: number } | undefined
  /** Whether offsets are committed under this name. */
  readonly isCommitted: boolean
  /** Every part of the declaration in its order, then what is gone. */
  readonly sections: readonly PlanSection[]
}

export interface PlanOptions {
  readonly declared: TopologyDeclaration
  /** The last declaration of this name that ran; undefined for none. */
  readonly stored: StoredTopology | undefined
  /** Whether offsets are committed: without any, no state can be orphaned. */
  readonly isCommitted: boolean
  /** The topic as it is, and those that offsets were committed against. */
  readonly topic?: { readonly found: TopicIdentity | undefined; readonly committed: readonly TopicIdentity[] }
}

const changed = (rule: Rule, option: string, from?: string, to?: string): PlanChange => ({ ...rule, option, from, to })

function optionChanges(before: PlanPart, after: PlanPart): PlanChange[] {
  const names = new Set([...after.options.keys(), ...before.options.keys()])
  return [...names].flatMap((name) => {
    const [from, to] = [before.options.get(name), after.options.get(name)]
    return from === to ? [] : [changed(optionRule(after, name, from, to), name, from, to)]
  })
}

function partChanges(before: PlanPart | undefined, after: PlanPart): PlanChange[] {
  if (before === undefined) return [changed(partRule(after, 'added', []), '', undefined, after.label)]
  if (before.kind !== after.kind) return [changed(partRule(before, 'replaced', []), '', before.label, after.label)]
  return optionChanges(before, after)
}

function sameOrder(before: readonly PlanPart[], after: readonly PlanPart[]): boolean {
  const keys = (parts: readonly PlanPart[], others: readonly PlanPart[]): string[] =>
    parts.filter(({ key }) => others.some((other) => other.key === key)).map(({ key }) => key)
  return keys(before, after).join('\n') === keys(after, before).join('\n')
}

function declarationSections(stored: string, declared: string): PlanSection[] {
  const before = declarationParts(stored)
  const after = declarationParts(declared)
  const beforeOf = new Map(before.map((part) => [part.key, part]))
  const added = after.filter(({ key }) => !beforeOf.has(key))
  const gone = before.filter(({ key }) => !after.some((part) => part.key === key))
  const order: PlanSection[] = sameOrder(before, after)
    ? []
    : [
        {
          label: 'order of the steps',
          changes: [
            changed(
              orderRule,
              '',
              before.map(({ label }) => label).join(', '),
              after.map(({ label }) => label).join(', '),
            ),
          ],
        },
      ]
  return [
    ...after.map((part) => ({ label: part.label, changes: partChanges(beforeOf.get(part.key), part) })),
    ...gone.map((part) => ({
      label: part.label,
      changes: [changed(partRule(part, 'removed', added), '', part.label)],
    })),
    ...order,
  ]
}

function topicSections({ found, committed }: NonNullable<PlanOptions['topic']>): PlanSection[] {
  if (found === undefined || committed.length === 0) return []
  const refused = (option: string, from: string, to: string, says: string): PlanChange =>
    changed({ effect: 'refused', says }, option, from, to)
  const known = committed.find(({ topic }) => topic === found.topic)
  const changes: PlanChange[] = []
  if (known === undefined)
    changes.push(
      refused(
        'topic',
        committed.map(({ topic }) => topic).join(', '),
        found.topic,
        'the committed offsets belong to the other topic: in this one they mean other records',
      ),
    )
  else {
    if (known.partitions !== found.partitions)
      changes.push(
        refused(
          'partitions',
          String(known.partitions),
          String(found.partitions),
          'symbols would move to partitions that do not hold their state',
        ),
      )
    if (known.topicId !== null && found.topicId !== null && known.topicId !== found.topicId)
      changes.push(
        refused(
          'topicId',
          known.topicId,
          found.topicId,
          'the topic was made anew: the committed offsets mean other records',
        ),
      )
  }
  return [{ label: `topic ${found.topic} at the broker`, changes }]
}

/** Where nothing is committed, nothing can be lost. */
function forgiven(section: PlanSection): PlanSection {
  return {
    ...section,
    changes: section.changes.map((one) =>
      one.effect === 'safe'
        ? one
        : { ...one, effect: 'safe', says: 'nothing is committed yet: every result will be of this declaration' },
    ),
  }
}

/**
 * Compares a declared topology with what last ran against a store, step by step.
 *
 * @throws {FatalError} `STATE_INCOMPATIBLE` when the stored declaration cannot be read.
 */
export function planTopology({ declared, stored, isCommitted, topic }: PlanOptions): Plan {
  const { name, hash } = declared
  const atBroker = topic === undefined ? [] : topicSections(topic)
  const compared =
    stored === undefined
      ? declarationParts(declared.declaration).map(({ label }): PlanSection => ({ label, changes: [] }))
      : declarationSections(stored.declaration, declared.declaration)
  const found = [...compared, ...atBroker]
  const sections = isCommitted ? found : found.map(forgiven)
  const changes = sections.flatMap((section) => section.changes)
  const isRefused = changes.some(({ effect }) => effect === 'refused')
  return {
    name,
    hash,
    verdict: isRefused ? 'refused' : stored === undefined ? 'new' : changes.length === 0 ? 'unchanged' : 'changed',
    lastRun: stored === undefined ? undefined : { hash: stored.hash, at: stored.lastRunAt },
    isCommitted,
    sections,
  }
}
