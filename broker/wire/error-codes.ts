/** Error codes of Kafka's protocol that mean something here. */
export const kafkaCode = {
  offsetOutOfRange: 1,
  corruptMessage: 2,
  unknownTopicOrPartition: 3,
  leaderNotAvailable: 5,
  notLeaderOrFollower: 6,
  requestTimedOut: 7,
  brokerNotAvailable: 8,
  replicaNotAvailable: 9,
  networkException: 13,
  coordinatorLoadInProgress: 14,
  coordinatorNotAvailable: 15,
  notCoordinator: 16,
  notEnoughReplicas: 19,
  notEnoughReplicasAfterAppend: 20,
  rebalanceInProgress: 27,
  notController: 41,
  outOfOrderSequenceNumber: 45,
  duplicateSequenceNumber: 46,
  invalidProducerEpoch: 47,
  invalidTxnState: 48,
  invalidProducerIdMapping: 49,
  concurrentTransactions: 51,
  kafkaStorageError: 56,
  unknownProducerId: 59,
  listenerNotFound: 72,
  fencedLeaderEpoch: 74,
  unknownLeaderEpoch: 75,
  offsetNotAvailable: 78,
  throttlingQuotaExceeded: 89,
  producerFenced: 90,
  unknownTopicId: 100,
  inconsistentTopicId: 103,
} as const

const ofLeaders = [
  kafkaCode.unknownTopicOrPartition,
  kafkaCode.leaderNotAvailable,
  kafkaCode.notLeaderOrFollower,
  kafkaCode.requestTimedOut,
  kafkaCode.replicaNotAvailable,
  kafkaCode.networkException,
  kafkaCode.kafkaStorageError,
  kafkaCode.fencedLeaderEpoch,
  kafkaCode.unknownLeaderEpoch,
]
const ofReplicas = [kafkaCode.notEnoughReplicas, kafkaCode.notEnoughReplicasAfterAppend]

/** The coordinator is another, or not ready. */
export const movedCodes: ReadonlySet<number> = new Set([
  kafkaCode.coordinatorLoadInProgress,
  kafkaCode.coordinatorNotAvailable,
  kafkaCode.notCoordinator,
])

/** What time, or a change of the leader, mends: of a partition that is produced to. The batch is sent again as it is. */
export const passingOfProduce: ReadonlySet<number> = new Set([...ofLeaders, ...ofReplicas, kafkaCode.corruptMessage])

/** The same of a partition that is fetched. */
export const passingOfFetch: ReadonlySet<number> = new Set([
  ...ofLeaders,
  kafkaCode.brokerNotAvailable,
  kafkaCode.offsetNotAvailable,
  kafkaCode.unknownTopicId,
  kafkaCode.inconsistentTopicId,
])

/** The same of a whole answer. */
export const passingOfCalls: ReadonlySet<number> = new Set([
  ...ofLeaders,
  ...ofReplicas,
  ...movedCodes,
  kafkaCode.rebalanceInProgress,
  kafkaCode.notController,
  kafkaCode.concurrentTransactions,
  kafkaCode.listenerNotFound,
  kafkaCode.offsetNotAvailable,
  kafkaCode.throttlingQuotaExceeded,
])

/** A later producer has the id. */
export const fencedCodes: ReadonlySet<number> = new Set([kafkaCode.invalidProducerEpoch, kafkaCode.producerFenced])

/** The coordinator knows nothing of this producer any more, or of another state of it. */
export const lostByCoordinator: ReadonlySet<number> = new Set([
  kafkaCode.invalidTxnState,
  kafkaCode.invalidProducerIdMapping,
  kafkaCode.unknownProducerId,
])

/** The broker has other numbers than we for this producer, or none: what is in the log cannot be told. */
export const lostByLog: ReadonlySet<number> = new Set([
  ...lostByCoordinator,
  kafkaCode.outOfOrderSequenceNumber,
  kafkaCode.duplicateSequenceNumber,
])
