import { setTimeout as sleep } from 'node:timers/promises'
import { type ClientChannel, type StrictClient, subscribeStrictly } from '../stream-client.ts'

/** A client of the gateway that comes back when its connection ends, and remembers what it was told. */
export interface StreamWatch {
  readonly violations: readonly string[]
  readonly connections: number
  /** Channels that went on where an earlier connection had ended. */
  readonly resumed: number
  readonly updates: number
  /** Channels that it asks for. */
  readonly wanted: number
  /** What it holds now: of its present connection. */
  channels(): readonly ClientChannel[]
  close(): void
}

const againMs = 300

export function watchStream(url: string, symbols: readonly string[], intervals: readonly string[]): StreamWatch {
  const violations: string[] = []
  let [connections, updates, resumed] = [0, 0, 0]
  let held: readonly ClientChannel[] = []
  let client: StrictClient | undefined
  let isClosed = false
  const updatesOf = (one: StrictClient): number =>
    [...one.channels.values()].reduce((sum, channel) => sum + channel.updates, 0)

  const live = async (): Promise<void> => {
    while (!isClosed) {
      try {
        // Each second time it begins anew, as one that was closed in between.
        const since = connections % 2 === 1 ? held : []
        client = await subscribeStrictly(url, symbols, intervals, { isTroubleExpected: true, since })
        connections += 1
        await client.ended
        violations.push(...client.violations)
        updates += updatesOf(client)
        resumed += client.resumed
        // Without a snapshot a channel holds nothing to go on from.
        held = [...client.channels.values()].filter(({ snapshots }) => snapshots > 0)
      } catch {
        // The gateway is away.
      }
      client = undefined
      await sleep(againMs)
    }
  }
  void live()
  return {
    get violations() {
      return [...violations, ...(client?.violations ?? [])]
    },
    get connections() {
      return connections
    },
    wanted: symbols.length * intervals.length,
    get resumed() {
      return resumed + (client?.resumed ?? 0)
    },
    get updates() {
      return updates + (client === undefined ? 0 : updatesOf(client))
    },
    channels: () => [...(client?.channels.values() ?? [])],
    close() {
      isClosed = true
      client?.close()
    },
  }
}
