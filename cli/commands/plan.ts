import type { Command } from 'commander'
import { exitCodes, FatalError } from '../../schemas/errors.ts'
import { intervalName } from '../../schemas/intervals.ts'
import { candles } from '../../topology/candles.ts'
import { declarationOf, lastRunOf, planRefusedHint } from '../../topology/declaration.ts'
import { parseDuration, parseNumber } from '../../topology/feed-options.ts'
import { type Plan, planTopology } from '../../topology/plan.ts'
import { type PlanReplay, replayPlan } from '../../topology/plan-replay.ts'
import { planText } from '../../topology/plan-text.ts'
import { globalFlags } from '../global-flags.ts'
import { loadTopology } from '../load-topology.ts'
import { type Services, withServices } from '../services.ts'

interface PlanFlags {
  readonly file?: string
  readonly replay?: string
  readonly limit: string
}

const limitMax = 100_000

/** A topology of records: each stage checks its own topic at its start. */
async function planOfFile({ store }: Services, file: string): Promise<Plan> {
  const { topology } = await loadTopology(file)
  return planTopology({ declared: declarationOf(topology), ...(await lastRunOf(store, topology)) })
}

async function planOf({ store, broker, topics }: Services): Promise<Plan> {
  const [ran, found, committed] = await Promise.all([
    lastRunOf(store, candles),
    broker.admin.describeTopic(topics.ticks),
    store.committedTopics(candles.name),
  ])
  return planTopology({ declared: declarationOf(candles), ...ran, topic: { found, committed } })
}

const iso = (ms: number): string => new Date(ms).toISOString()

function replayText(replay: PlanReplay | undefined): string {
  if (replay === undefined) return '\nreplay: nothing is stored, there is nothing to compare'
  const { fromMs, toMs, records, recordsHeld, compared, changed, candles: told } = replay
  const lines = told.flatMap(({ symbol, interval, start, differences }) =>
    differences.map(
      ({ field, stored, computed }) =>
        `  ${symbol} ${intervalName(interval)} ${iso(start)} ${field}: ${stored || '(no row)'} -> ${computed || '(no row)'}`,
    ),
  )
  const { cutPartitions, lostHistory, held } = replay
  const notes = [
    cutPartitions.length > 0 &&
      `the log of partition ${cutPartitions.join(', ')} was cut by retention: what differs there may be records that are gone`,
    lostHistory > 0 &&
      `${lostHistory} history markers were read whose segments their topic no longer holds, or may not`,
    held.length > 0 && `not compared, because held: ${held.join(', ')}`,
  ]
  return [
    `\nreplay of ${iso(fromMs)} to ${iso(toMs)}: read ${records} of ${recordsHeld} committed records that the log holds`,
    ...notes.filter((note) => note !== false).map((note) => `  ${note}`),
    ...lines,
    ...(changed > told.length ? [`  ... and ${changed - told.length} more (--limit)`] : []),
    `${changed} of ${compared} stored candles would differ`,
  ].join('\n')
}

async function plan(command: Command, flags: PlanFlags): Promise<void> {
  const limit = parseNumber('--limit', flags.limit, 0, limitMax)
  const durationMs = flags.replay === undefined ? undefined : parseDuration('--replay', flags.replay)
  const { json } = globalFlags(command)
  if (flags.file !== undefined && flags.replay !== undefined)
    throw new FatalError({
      code: 'USAGE',
      message: '--replay is for the candles, not for a topology of a file',
      hint: 'leave one of them out',
      exitCode: exitCodes.usage,
    })
  await withServices(command, async (services) => {
    const made = flags.file === undefined ? await planOf(services) : await planOfFile(services, flags.file)
    if (!json) process.stdout.write(`${planText(made)}\n`)
    const hasTopic = (await services.broker.admin.describeTopic(services.topics.ticks)) !== undefined
    const replay =
      durationMs === undefined || !hasTopic
        ? undefined
        : await replayPlan({
            ...{ ...services, topic: services.topics.ticks, historyTopic: services.topics.history },
            ...{ topology: candles, durationMs, limit },
          })
    if (json) process.stdout.write(`${JSON.stringify({ ...made, ...(durationMs === undefined ? {} : { replay }) })}\n`)
    else if (durationMs !== undefined) process.stdout.write(`${replayText(replay)}\n`)
    if (made.verdict !== 'refused') return
    if (!json) process.stdout.write(`Try: ${planRefusedHint}\n`)
    process.exitCode = exitCodes.failure
  })
}

/** `plan`: what the declared topology would do to what is stored. */
export function planCommand(program: Command): void {
  const command = program
    .command('plan')
    .description(
      'compare the declared topology with what last ran against this store; exits 1 where it would be refused',
    )
  command
    .option(
      '--replay <time>',
      'run so much of the newest log (1h, 30m, 1d) through it, and list the candles that would differ',
    )
    .option('--file <file>', 'the topology of records that a module exports, in place of the candles')
    .option('--limit <number>', 'at most so many candles', '50')
    .action((flags: PlanFlags) => plan(command, flags))
}
