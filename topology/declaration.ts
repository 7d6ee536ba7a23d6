import type { CandleStore, StoredTopology, TopologyDeclaration } from '../ports/candle-store.ts'
import { exitCodes, FatalError } from '../schemas/errors.ts'
import type { Topology } from './candle-topology.ts'
import { topologyHash, topologyJson } from './describe.ts'
import { planTopology } from './plan.ts'
import type { RecordTopology } from './records/declaration.ts'

/** A topology as a store keeps it. */
export function declarationOf(topology: Topology | RecordTopology): TopologyDeclaration {
  return {
    name: topology.name,
    hash: topologyHash(topology),
    declaration: JSON.stringify(topologyJson(topology)),
  }
}

/** What ran last under a topology's name, and whether it has committed anything. */
export async function lastRunOf(
  store: CandleStore,
  topology: Topology | RecordTopology,
): Promise<{ readonly stored: StoredTopology | undefined; readonly isCommitted: boolean }> {
  const stored = (await store.topologies()).find(({ name }) => name === topology.name)
  // Each stage has its checkpoints; the last one has the topology's name, whatever its stages were.
  const names = topology.kind === 'records' ? topology.stages.map(({ name }) => name) : [topology.name]
  const positions = (await Promise.all(names.map((name) => store.positions(name)))).flat()
  return { stored, isCommitted: positions.some(({ nextOffset }) => nextOffset > 0) }
}

/** How to go on where a declaration does not fit what is stored. */
export const planRefusedHint =
  'declare it as it was, or give the new one a DATA_DIR or database of its own: the log is read again from its start'

/**
 * Before an engine starts: refuses a declaration that does not fit the state of what last ran here, else notes it.
 *
 * @throws {FatalError} `STATE_INCOMPATIBLE`, naming what does not fit.
 */
export async function declareAtStart(store: CandleStore, topology: Topology | RecordTopology): Promise<void> {
  const declared = declarationOf(topology)
  const { sections } = planTopology({ declared, ...(await lastRunOf(store, topology)) })
  const refused = sections.flatMap(({ label, changes }) =>
    changes
      .filter(({ effect }) => effect === 'refused')
      .map(({ option, says }) => `${label}${option === '' ? '' : ` ${option}`}: ${says}`),
  )
  if (refused.length > 0)
    throw new FatalError({
      code: 'STATE_INCOMPATIBLE',
      message: `topology ${topology.name} does not fit the state of what last ran against this store`,
      why: refused.join('; '),
      hint: `npm run plan shows the change step by step; ${planRefusedHint}`,
      exitCode: exitCodes.config,
    })
  await store.declareTopology(declared)
}
