/** What bounds a partition's log. */
export interface LogSettings {
  readonly segmentBytes: number
  /** Bytes kept at least in whole segments; Infinity for all. */
  readonly retentionBytes: number
  /** Infinity for ever. */
  readonly retentionMs: number
  /** The newest record of each key is kept, whatever its age. */
  readonly compact: boolean
}

const day = 86_400_000

export const defaultSegmentBytes = 16 * 1024 * 1024
export const defaultRetentionMs = 7 * day
/** Of a topic, all partitions together. */
export const defaultRetentionBytes = 1024 * 1024 * 1024
/** The same where everything is in memory. */
export const defaultMemoryRetentionBytes = 256 * 1024 * 1024

/** Newest pages that all logs on disk keep in memory, together. */
export const tailBytesMax = 64 * 1024 * 1024

/** Half of a partition's bytes at most are in the segment that retention cannot touch. */
const segmentsPerRetention = 2
const segmentBytesMin = 64 * 1024

/** The broker's settings, with Kafka's settings of a topic over them. */
export function topicSettings(
  broker: LogSettings,
  partitions: number,
  config: Readonly<Record<string, string>>,
): LogSettings {
  const compact = (config['cleanup.policy'] ?? 'delete').split(',').includes('compact')
  const retentionBytes = bound(config['retention.bytes'], broker.retentionBytes / partitions)
  const segmentBytes = bound(config['segment.bytes'], broker.segmentBytes)
  const segmentBytesFitting = Math.max(segmentBytesMin, retentionBytes / segmentsPerRetention)
  return {
    segmentBytes: Math.min(segmentBytes, segmentBytesFitting),
    retentionBytes,
    retentionMs: bound(config['retention.ms'], broker.retentionMs),
    compact,
  }
}

function bound(text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise
  const value = Number(text)
  return value < 0 ? Number.POSITIVE_INFINITY : value
}
