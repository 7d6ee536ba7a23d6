import type { Command } from 'commander'
import pc from 'picocolors'
import { exitCodes, messageOf, RedwickError } from '../../schemas/errors.ts'
import {
  type AdapterContext,
  lockDataDir,
  openBroker,
  openRegistry,
  openSnapshot,
  openStore,
} from '../../topology/adapters.ts'
import { readConfig } from '../../topology/config.ts'
import { needsDataDir } from '../../topology/open-ports.ts'
import { systemClock } from '../../topology/system-clock.ts'
import { globalFlags } from '../global-flags.ts'

interface Check {
  readonly name: string
  readonly target: string
  run(context: AdapterContext): Promise<void>
}

interface Result {
  readonly name: string
  readonly target: string
  readonly status: 'ok' | 'failed'
  readonly detail: string
  readonly fix: string
}

const checkMsMax = 20_000

async function openAndPing(opening: Promise<{ ping(): Promise<void>; close(): Promise<void> }>): Promise<void> {
  const port = await opening
  try {
    await port.ping()
  } finally {
    await port.close()
  }
}

function checksOf({ config }: AdapterContext): Check[] {
  const usesDir = needsDataDir(config, ['broker', 'registry', 'store'])
  const withoutSecret = (text: string): string => (URL.canParse(text) ? new URL(text).host : text)
  const target = (value: string | undefined): string => (value === undefined ? 'embedded' : withoutSecret(value))
  return [
    { name: 'runtime', target: process.version, run: async () => undefined },
    {
      name: 'gateway',
      target: 'uWebSockets.js',
      run: async () => void (await import('../../gateway/uws.ts').then((uws) => uws.loadUws())),
    },
    ...(usesDir
      ? [{ name: 'data directory', target: config.DATA_DIR, run: async () => (await lockDataDir(config.DATA_DIR))() }]
      : []),
    { name: 'broker', target: target(config.REDPANDA_BROKERS), run: (context) => openAndPing(openBroker(context)) },
    {
      name: 'schema registry',
      target: target(config.SCHEMA_REGISTRY_URL),
      run: (context) => openAndPing(openRegistry(context)),
    },
    { name: 'store', target: target(config.DATABASE_URL), run: (context) => openAndPing(openStore(context)) },
    { name: 'snapshot', target: target(config.REDIS_URL), run: (context) => openAndPing(openSnapshot(context)) },
  ]
}

async function runCheck({ name, target, run }: Check, context: AdapterContext): Promise<Result> {
  const tooLong = new AbortController()
  try {
    const timeout = context.clock.sleep(checkMsMax, tooLong.signal).then(() => {
      if (!tooLong.signal.aborted) throw new Error(`no answer within ${checkMsMax} ms`)
    })
    await Promise.race([run(context), timeout])
    return { name, target, status: 'ok', detail: '', fix: '' }
  } catch (error) {
    const known = error instanceof RedwickError ? error : undefined
    return { name, target, status: 'failed', detail: messageOf(error), fix: known?.hint ?? '' }
  } finally {
    tooLong.abort()
  }
}

/** `doctor`: checks every dependency that the settings name, and says how to mend it. */
export function doctorCommand(program: Command): void {
  const command = program.command('doctor').description('check every dependency, and say how to mend what fails')
  command.action(async () => {
    const { json } = globalFlags(command)
    const context: AdapterContext = { config: readConfig(), clock: systemClock, log: () => undefined }
    let hasFailed = false
    for (const check of checksOf(context)) {
      const result = await runCheck(check, context)
      hasFailed ||= result.status === 'failed'
      const mark = result.status === 'ok' ? pc.green('ok    ') : pc.red('failed')
      const trouble =
        result.status === 'ok'
          ? ''
          : `\n         ${result.detail}${result.fix === '' ? '' : `\n         Try: ${result.fix}`}`
      process.stdout.write(
        json ? `${JSON.stringify(result)}\n` : `${mark} ${result.name} (${result.target})${trouble}\n`,
      )
    }
    if (hasFailed) process.exitCode = exitCodes.dependency
  })
}
