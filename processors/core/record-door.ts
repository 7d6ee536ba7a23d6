import { timeMsMax } from '../../schemas/times.ts'
import type { ByteReader, ByteWriter } from './byte-buffer.ts'
import type { WatermarkPolicy } from './stream-element.ts'

/** The year 1. */
const eventTimeMin = -62_135_596_800_000

/** Why a record is not let in. */
export interface Refused {
  readonly reason: 'BAD_TIME' | 'FUTURE_TIME'
  readonly detail: string
}

/** The door of a partition of a topic of records: judges event times, and moves the watermark. */
export interface RecordDoor {
  /** @returns What is wrong with the event time; undefined for one that has moved the watermark, if it was the latest. */
  enter(eventTime: number, appendTime: number): Refused | undefined
  readonly watermark: number
  write(writer: ByteWriter): void
  read(reader: ByteReader): void
}

export function createRecordDoor({ outOfOrdernessMs, futureBoundMs }: WatermarkPolicy): RecordDoor {
  let watermark = Number.NEGATIVE_INFINITY
  return {
    enter(eventTime, appendTime) {
      if (!(Number.isSafeInteger(eventTime) && eventTime >= eventTimeMin && eventTime <= timeMsMax))
        return {
          reason: 'BAD_TIME',
          detail: `an event time is whole ms from ${eventTimeMin} to ${timeMsMax}, was ${eventTime}`,
        }
      const latest = appendTime + futureBoundMs
      if (eventTime > latest)
        return {
          reason: 'FUTURE_TIME',
          detail: `an event time is at most ${futureBoundMs} ms ahead of its append: ${latest}, was ${eventTime}`,
        }
      watermark = Math.max(watermark, eventTime - outOfOrdernessMs - 1)
      return undefined
    },
    get watermark() {
      return watermark
    },
    write: (writer) => writer.f64(watermark),
    read(reader) {
      watermark = reader.f64()
    },
  }
}
