import type { Command } from 'commander'
import { exitCodes } from '../../schemas/errors.ts'
import { parseNumber } from '../../topology/feed-options.ts'
import { globalFlags } from '../global-flags.ts'

interface BenchFlags {
  readonly ticks?: string
  readonly runs: string
  readonly symbols: string
  readonly partitions: string
  readonly tickFile?: string
  readonly out?: string
  readonly allowNoise?: boolean
  readonly save: boolean
  readonly check?: string | true
  readonly turns: string
}

const ticksMax = 100_000_000

/** `bench [name]`: measures this machine; `bench report` writes the page of kept results. */
export function benchCommand(program: Command): void {
  const command = program
    .command('bench [name]')
    .description(
      'measure: core, decode, late, records, store, gateway, api, end-to-end, consume, memory, startup, sweep, workers, latency, engines, engines-exactly-once, peers, all; report',
    )
  command
    .option('--ticks <number>', 'ticks of one run')
    .option('--runs <number>', 'counted runs, after one to warm up', '5')
    .option('--symbols <number>', 'generated symbols', '100')
    .option('--partitions <number>', 'partitions of a topic', '4')
    .option('--tick-file <file>', 'core: trades of a CSV in place of generated ones')
    .option('--out <file>', 'core: where its candles go, in the form of export')
    .option('--allow-noise', 'peers, engines: print the ratio however far the runs lie apart')
    .option(
      '--check [commit]',
      'beside an older commit, in turns: that of the kept result; exit 1 below 0.95 of a speed',
    )
    .option('--turns <number>', '--check: turns', '5')
    .option('--no-save', 'keep no result in bench/results')
    .action(async (name: string | undefined, flags: BenchFlags) => {
      const { json } = globalFlags(command)
      const tell = (line: string): void => void process.stderr.write(`${line}\n`)
      if (flags.check !== undefined) {
        const { check } = await import('../../bench/check.ts')
        const { lines, isWell } = await check({
          ...{ bench: name ?? 'core', tell, turns: parseNumber('--turns', flags.turns, 1, 1000) },
          commit: flags.check === true ? undefined : flags.check,
          args: ['--runs', flags.runs, '--symbols', flags.symbols, '--partitions', flags.partitions].concat(
            flags.ticks === undefined ? [] : ['--ticks', flags.ticks],
          ),
        })
        process.stdout.write(`${lines.join('\n')}\n`)
        if (!isWell) process.exitCode = exitCodes.failure
        return
      }
      const { runBenches } = await import('../../bench/run.ts')
      await runBenches(
        name ?? 'all',
        {
          ticks: flags.ticks === undefined ? undefined : parseNumber('--ticks', flags.ticks, 1, ticksMax),
          runs: parseNumber('--runs', flags.runs, 1, 1000),
          symbols: parseNumber('--symbols', flags.symbols, 1, 100_000),
          partitions: parseNumber('--partitions', flags.partitions, 1, 1000),
          tickFile: flags.tickFile,
          out: flags.out,
          allowNoise: flags.allowNoise === true,
          tell,
        },
        { json, save: flags.save, command: ['npm run bench --', ...process.argv.slice(3)].join(' ') },
      )
    })
}
