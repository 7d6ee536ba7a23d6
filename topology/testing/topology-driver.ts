import type { Topology } from '../candle-topology.ts'
import type { RecordTopology } from '../records/declaration.ts'
import { type CandleTopologyDriver, createCandleDriver } from './candle-driver.ts'
import { createRecordDriver, type RecordTopologyDriver, type TopologyDriverOptions } from './record-driver.ts'

/**
 * Runs a topology for a test: its real stages, doors, runners, envelopes and codecs on many partitions, without broker,
 * store or waiting. Everything has happened when a call returns, the same each time; clocks move when they are told to, and
 * a crash may come anywhere.
 *
 * @throws {FatalError} `PARTITION_COUNTS` where streams come together that have different ones; `BAD_TABLE`.
 */
export function topologyDriver(topology: RecordTopology, options?: TopologyDriverOptions): RecordTopologyDriver
export function topologyDriver(topology: Topology, options?: TopologyDriverOptions): CandleTopologyDriver
export function topologyDriver(
  topology: RecordTopology | Topology,
  options?: TopologyDriverOptions,
): RecordTopologyDriver | CandleTopologyDriver {
  return topology.kind === 'records' ? createRecordDriver(topology, options) : createCandleDriver(topology, options)
}
