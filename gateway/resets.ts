import type { Clock } from '../ports/clock.ts'
import type { Log } from '../ports/logger.ts'
import { messageOf } from '../schemas/errors.ts'
import { intervalName } from '../schemas/intervals.ts'
import type { BaseReader } from './base-reader.ts'
import type { Fan, FanOut } from './fan-out.ts'
import type { Joined } from './join.ts'
import type { LiveChannel } from './live-channel.ts'
import { limits } from './messages.ts'
import { partSince, type SnapshotPart, snapshotText, wholePart } from './snapshot-frame.ts'

/** Snapshots after a takeover are spread over this, so that it is no herd. */
const spreadMs = 1000
const retryMs = 1000
/** Between looks whether a store is back to which a whole snapshot is owed; each is twice the one before, with jitter. */
const owedMsMin = 500
const owedMsMax = 15_000

export interface Resets {
  /**
   * Gives every subscriber of a channel one new snapshot where its emissions do not go on: a new epoch, or lost records.
   * Until it is out nothing of the channel is published.
   */
  reset(live: LiveChannel, reason: 'epoch' | 'gap'): void
  /** Subscribers were sent less than there is, because a store is down: all of it follows when it is back. */
  owe(fan: Fan): void
}

export function createResets(deps: {
  readonly reader: BaseReader
  readonly fanOut: FanOut
  readonly clock: Clock
  readonly log: Log
  readonly random: () => number
}): Resets {
  const { reader, fanOut, clock, log } = deps

  const read = ({ live }: Fan) => reader.read(live.symbol, live.interval, limits.snapshot)

  const tellWaits = ({ live: { symbol, interval } }: Fan, error: unknown): void =>
    log('warn', 'a snapshot waits', { symbol, interval: intervalName(interval), why: messageOf(error) })

  const publish = (fan: Fan, joined: Joined, part: SnapshotPart): void => {
    fanOut.publishToAll(fan, snapshotText(fan.ch, joined, part))
    fan.seq = part.seq
    fan.lacksRows = joined.lacksRows
  }

  const once = async (fan: Fan, reason: 'epoch' | 'gap'): Promise<boolean> => {
    const turn = fan.resetting
    const attachment = await read(fan)
    if (attachment === undefined || turn !== fan.resetting || !attachment.usable()) return false
    const joined = attachment.join()
    publish(fan, joined, partSince(joined, fan.seq, reason === 'epoch' ? 'epoch' : 'lagging'))
    fan.resetting = 0
    if (attachment.base.missing.size > 0) owe(fan)
    return true
  }

  const pay = async (fan: Fan): Promise<boolean> => {
    const attachment = await read(fan)
    if (attachment === undefined || attachment.base.missing.size > 0 || fan.resetting > 0 || !attachment.usable())
      return false
    fanOut.flush(fan)
    const joined = attachment.join()
    publish(fan, joined, wholePart(joined, limits.snapshot, 'reset'))
    fan.isOwed = false // at once: what is owed from now on is another debt
    return true
  }

  const payInTheEnd = async (fan: Fan): Promise<void> => {
    let waitMs = owedMsMin
    let isTold = false
    const isPaid = async (): Promise<boolean> => {
      try {
        return await pay(fan)
      } catch (error) {
        if (!isTold) tellWaits(fan, error)
        isTold = true
        return false
      }
    }
    do {
      await clock.sleep(waitMs * (0.5 + deps.random()))
      waitMs = Math.min(2 * waitMs, owedMsMax)
      if (fan.subscribers === 0) fan.isOwed = false
    } while (fan.isOwed && !(await isPaid()))
  }

  const owe = (fan: Fan): void => {
    if (fan.isOwed) return
    fan.isOwed = true
    void payInTheEnd(fan)
  }

  const run = async (fan: Fan, reason: 'epoch' | 'gap') => {
    await clock.sleep(Math.floor(deps.random() * spreadMs))
    while (fan.subscribers > 0) {
      try {
        if (await once(fan, reason)) return
      } catch (error) {
        tellWaits(fan, error)
        await clock.sleep(retryMs)
      }
    }
    fan.resetting = 0
  }

  return {
    reset(live, reason) {
      const fan = fanOut.find(live)
      if (fan === undefined || fan.subscribers === 0) return
      fanOut.flush(fan)
      fan.resetting++
      if (fan.resetting === 1) void run(fan, reason)
    },
    owe,
  }
}
