import { setTimeout as sleep } from 'node:timers/promises'
import { type ClientChannel, type StrictClient, subscribeStrictly } from '../stream-client.ts'

/** A client of the gateway that comes back when its connection ends, and remembers what it was told. */
export interface StreamWatch {
  readonly violations: readonly string[]
  readonly connections: number
  readonly updates: number
  /** What it holds now: of its present connection. */
  channels(): readonly ClientChannel[]
  close(): void
}

const againMs = 300

export function watchStream(url: string, symbols: readonly string[], intervals: readonly string[]): StreamWatch {
  const violations: string[] = []
  let [connections, updates] = [0, 0]
  let client: StrictClient | undefined
  let isClosed = false
  const updatesOf = (one: StrictClient): number =>
    [...one.channels.values()].reduce((sum, channel) => sum + channel.updates, 0)

  const live = async (): Promise<void> => {
    while (!isClosed) {
      try {
        client = await subscribeStrictly(url, symbols, intervals, { isTroubleExpected: true })
        connections += 1
        await client.ended
        violations.push(...client.violations)
        updates += updatesOf(client)
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
