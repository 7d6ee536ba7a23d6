import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { parsed, usage, wholeNumber } from '../arguments.ts'
import { subscribeStrictly } from '../stream-client.ts'
import { type Deployment, startDeployment } from './deployment.ts'
import { hearLive, median, msUntil, msUntilCommitted, symbolsOfPartitions, tradeRecord } from './observe.ts'
import { onPlatform, type Platform } from './platform.ts'
import { type EngineName, memberNames } from './script.ts'

// How long the platform takes to be well again after each kind of trouble: npm run recovery -- --runs 20

const feedEveryMs = 50
/** Between one trouble and the next, so that each finds the platform well. */
const calmMs = 3_000
const recoveryMsMax = 60_000
/** After a long one whoever waits looks less often. */
const outageMs = (turn: number): number => (turn % 2 === 0 ? 1_000 : 10_000)
const engineOf = (turn: number): EngineName => (turn % 2 === 0 ? 'engine-0' : 'engine-1')
/** A client that hears nothing for so long begins anew. */
const answerMsMax = 1_000

/** Live trades whose prices grow by one: a candle's close tells how fresh it is. */
interface Pulse {
  /** Price of the last tick that was acknowledged. */
  readonly sent: () => number
  /** Highest close on `candles.live`, by partition. */
  readonly heard: ReadonlyMap<number, number>
  stop(): Promise<void>
}

async function startPulse(deployment: Deployment): Promise<Pulse> {
  const symbols = symbolsOfPartitions(deployment.partitions)
  const heard = new Map<number, number>()
  let [price, sent, isOver] = [0, 0, false]
  const reader = await hearLive(deployment, (partition, { candle }) =>
    heard.set(partition, Math.max(heard.get(partition) ?? 0, candle.close)),
  )
  const feeding = (async () => {
    while (!isOver) {
      price += 1
      const eventTime = Date.now()
      await deployment.send(
        symbols.map((symbol) => tradeRecord(deployment, { symbol, eventTime, price, tradeId: price })),
      )
      sent = price
      await sleep(feedEveryMs)
    }
  })()
  return {
    sent: () => sent,
    heard,
    async stop() {
      isOver = true
      await feeding
      await reader.close()
    },
  }
}

interface Scene {
  readonly platform: Platform
  readonly deployment: Deployment
  readonly pulse: Pulse
}

/** Every partition shows a tick that was sent after now. */
function fresh({ pulse, deployment }: Scene): Promise<number> {
  const from = pulse.sent()
  const isFresh = (partition: number): boolean => (pulse.heard.get(partition) ?? 0) > from
  return msUntil(
    'fresh candles',
    () => Array.from({ length: deployment.partitions }, (_, i) => i).every(isFresh),
    recoveryMsMax,
  )
}

/** Every partition has committed what stood in the log now. */
const committed = ({ deployment }: Scene): Promise<number> => msUntilCommitted(deployment, recoveryMsMax)

/** A client that comes now gets a whole snapshot of a channel, from all stores. */
function served({ deployment }: Scene): Promise<number> {
  const symbols = symbolsOfPartitions(deployment.partitions)
  const isServed = async (): Promise<boolean> => {
    try {
      const client = await subscribeStrictly(deployment.gatewayUrl, symbols, ['1m'])
      const { channels, violations } = client
      const isWhole = (): boolean =>
        channels.size === symbols.length && [...channels.values()].every(({ snapshots }) => snapshots > 0)
      await msUntil('an answer', () => isWhole() || violations.length > 0, answerMsMax)
      client.close()
      return violations.length === 0
    } catch {
      return false
    }
  }
  return msUntil('a snapshot', isServed, recoveryMsMax)
}

interface Trouble {
  readonly name: string
  readonly what: string
  /** What is asked, in ms. */
  readonly boundMs: number
  /** Makes it, and measures until it is over. @param turn From 0. */
  measure(scene: Scene, turn: number): Promise<number>
}

const troubles: readonly Trouble[] = [
  {
    name: 'engine kill',
    what: 'engine killed: candles of all partitions fresh again',
    boundMs: 10_000,
    measure(scene, turn) {
      scene.deployment.members[engineOf(turn)].signal('SIGKILL')
      return fresh(scene)
    },
  },
  {
    name: 'PostgreSQL',
    what: 'PostgreSQL back after an immediate shutdown, 1 s and 10 s down in turn: all is committed',
    boundMs: 5_000,
    async measure(scene, turn) {
      await scene.platform.database.restart(outageMs(turn))
      return committed(scene)
    },
  },
  {
    name: 'broker',
    what: 'broker back after kill -9, 1 s and 10 s down in turn: all is committed',
    boundMs: Number.POSITIVE_INFINITY,
    async measure(scene, turn) {
      await scene.platform.broker.restart(outageMs(turn))
      return committed(scene)
    },
  },
  {
    name: 'Redis',
    what: 'Redis back, empty, 1 s and 10 s down in turn: a client gets whole snapshots',
    boundMs: 3_000,
    async measure(scene, turn) {
      await scene.platform.snapshot.restart(outageMs(turn))
      return served(scene)
    },
  },
  {
    name: 'gateway kill',
    what: 'gateway killed: a client gets whole snapshots',
    boundMs: 3_000,
    async measure(scene) {
      scene.deployment.members.gateway.signal('SIGKILL')
      await sleep(50)
      return served(scene)
    },
  },
  {
    name: 'black hole to PostgreSQL',
    what: "black hole, the engine's connections to PostgreSQL: all is committed",
    boundMs: 15_000,
    measure(scene, turn) {
      scene.platform.wires[engineOf(turn)].postgres.swallowAll()
      return committed(scene)
    },
  },
  {
    name: 'black hole to the broker',
    what: "black hole, the engine's connections to the broker: all is committed",
    boundMs: 15_000,
    measure(scene, turn) {
      scene.platform.wires[engineOf(turn)].kafka.swallowAll()
      return committed(scene)
    },
  },
  {
    name: 'black hole of the gateway',
    what: "black hole, the gateway's connections: a client gets whole snapshots",
    boundMs: 15_000,
    measure(scene) {
      for (const proxy of Object.values(scene.platform.wires.gateway)) proxy.swallowAll()
      return served(scene)
    },
  },
]

const options = { runs: { type: 'string', default: '5' }, only: { type: 'string', default: '' } } as const
const values = parsed(() => parseArgs({ options }).values)
const runs = wholeNumber('runs', values.runs, 1)
const chosen = troubles.filter(({ name }) => name.includes(values.only))
if (chosen.length === 0)
  usage(`--only takes a part of ${troubles.map(({ name }) => name).join(', ')}; was ${values.only}`)

await onPlatform({ isDiskSmall: false }, async (platform) => {
  let isWithin = true
  const told: string[] = []
  const deployment = await startDeployment(platform)
  const pulse = await startPulse(deployment)
  try {
    const scene = { platform, deployment, pulse }
    await committed(scene)
    for (const { name, what, boundMs, measure } of chosen) {
      const times: number[] = []
      for (let turn = 0; turn < runs; turn++) {
        await sleep(calmMs)
        const before = new Map(memberNames.map((member) => [member, deployment.members[member].said().length]))
        const ms = await measure(scene, turn)
        times.push(ms)
        if (ms > boundMs)
          for (const [member, length] of before)
            console.log(`${member}, ${Math.round(ms)} ms:\n${deployment.members[member].said().slice(length)}`)
        await committed(scene)
      }
      const [middle, max] = [median(times), Math.max(...times)]
      isWithin &&= max <= boundMs
      const bound = Number.isFinite(boundMs) ? `, asked: ${boundMs} ms` : ''
      told.push(`${name} ${Math.round(middle)}/${Math.round(max)}`)
      console.log(`${what}: median ${Math.round(middle)} ms, max ${Math.round(max)} ms of ${runs}${bound}`)
    }
  } finally {
    await pulse.stop()
    await deployment.close()
  }
  console.log(`${isWithin ? 'all' : 'NOT all'} within what is asked; median/max ms of ${runs}: ${told.join(', ')}`)
  return isWithin
})
