import type { Clock } from '../ports/clock.ts'
import type { Log } from '../ports/logger.ts'
import { messageOf } from '../schemas/errors.ts'
import { intervalName } from '../schemas/intervals.ts'
import type { BaseReader } from './base-reader.ts'
import type { Fan, FanOut } from './fan-out.ts'
import type { LiveChannel } from './live-channel.ts'
import { limits } from './messages.ts'
import { rowsSince, snapshotText } from './subscriptions.ts'

/** Snapshots after a takeover are spread over this, so that it is no herd. */
const spreadMs = 1000
const retryMs = 1000

/**
 * Gives every subscriber of a channel one new snapshot where its emissions do not go on: a new epoch, or lost records.
 * Until it is out nothing of the channel is published.
 */
export function createResets(deps: {
  readonly reader: BaseReader
  readonly fanOut: FanOut
  readonly clock: Clock
  readonly log: Log
  readonly random: () => number
}): (live: LiveChannel, reason: 'epoch' | 'gap') => void {
  const { reader, fanOut, clock, log } = deps

  const once = async (fan: Fan, reason: 'epoch' | 'gap'): Promise<boolean> => {
    const turn = fan.resetting
    const attachment = await reader.read(fan.live.symbol, fan.live.interval, limits.snapshot)
    if (attachment === undefined || turn !== fan.resetting || !attachment.usable()) return false
    const joined = attachment.join()
    const part = rowsSince(joined, fan.seq, limits.snapshot, reason === 'epoch' ? 'epoch' : 'lagging')
    fanOut.publishToAll(fan, snapshotText(fan.ch, joined, part.rows, part.reason))
    fan.seq = Math.max(fan.seq, joined.seq)
    fan.resetting = 0
    return true
  }

  const run = async (fan: Fan, reason: 'epoch' | 'gap') => {
    await clock.sleep(Math.floor(deps.random() * spreadMs))
    while (fan.subscribers > 0) {
      try {
        if (await once(fan, reason)) return
      } catch (error) {
        const { symbol, interval } = fan.live
        log('warn', 'a snapshot waits', { symbol, interval: intervalName(interval), why: messageOf(error) })
        await clock.sleep(retryMs)
      }
    }
    fan.resetting = 0
  }

  return (live, reason) => {
    const fan = fanOut.find(live)
    if (fan === undefined || fan.subscribers === 0) return
    fanOut.flush(fan)
    fan.resetting++
    if (fan.resetting === 1) void run(fan, reason)
  }
}
