import { Command, CommanderError, Option } from 'commander'
import { exitCodes, FatalError } from '../schemas/errors.ts'
import { fillOptions } from '../topology/config.ts'
import { logLevels } from '../topology/logger.ts'
import { benchCommand } from './commands/bench.ts'
import { deadLettersCommand } from './commands/dead-letters.ts'
import { describeCommand } from './commands/describe.ts'
import { doctorCommand } from './commands/doctor.ts'
import { explainCommand } from './commands/explain.ts'
import { exportCommand } from './commands/export.ts'
import { fixturesCommand } from './commands/fixtures.ts'
import { planCommand } from './commands/plan.ts'
import { proofCommand } from './commands/proof.ts'
import { quarantineCommand } from './commands/quarantine.ts'
import { repartitionCommand } from './commands/repartition.ts'
import { replayCommand, topologyCommand } from './commands/run.ts'
import { runFileCommand } from './commands/run-file.ts'
import { tellFailure } from './failure.ts'

const isVerbose = process.argv.includes('--verbose')
const isJson = process.argv.includes('--json')

function fail(error: unknown): never {
  process.exit(tellFailure(error, { isVerbose, isJson }))
}

// The last resort: nothing is committed any more.
process.on('uncaughtException', fail)
process.on('unhandledRejection', fail)

function program(): Command {
  const root = new Command('redwick').description('ticks in, event-time candles out')
  root
    .option('--verbose', 'details of errors, and debug lines')
    .option('--json', 'one JSON object a line')
    .addOption(new Option('--log-level <level>', 'least level of log lines').choices([...logLevels]).env('LOG_LEVEL'))
    .configureHelp({ showGlobalOptions: true })
  for (const add of [
    topologyCommand,
    replayCommand,
    runFileCommand,
    exportCommand,
    describeCommand,
    planCommand,
    explainCommand,
    doctorCommand,
    deadLettersCommand,
    quarantineCommand,
    repartitionCommand,
    benchCommand,
    fixturesCommand,
    proofCommand,
  ])
    add(root)
  for (const command of [root, ...root.commands, ...root.commands.flatMap((one) => one.commands)])
    command.exitOverride().configureOutput({ writeErr: () => undefined })
  return root
}

function usageError(error: CommanderError, root: Command): FatalError {
  const name = root.args[0] ?? ''
  return new FatalError({
    code: 'USAGE',
    message: error.message.replace(/^error: /, ''),
    why: 'the command line does not fit',
    hint: `npm run ${name === '' ? 'topology' : name} -- --help`,
    exitCode: exitCodes.usage,
  })
}

try {
  fillOptions(process.env)
} catch (error) {
  fail(error)
}
const root = program()
try {
  await root.parseAsync()
  // All is done: a client library that still waits for its broker must not keep the process.
  for (const stream of [process.stdout, process.stderr]) await new Promise((resolve) => stream.write('', resolve))
  process.exit()
} catch (error) {
  if (!(error instanceof CommanderError)) fail(error)
  if (error.exitCode !== 0) fail(usageError(error, root))
}
