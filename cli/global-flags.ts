import type { Command } from 'commander'
import type { LogLevel } from '../ports/logger.ts'

export interface GlobalFlags {
  readonly verbose: boolean
  readonly json: boolean
  readonly logLevel: LogLevel
}

/** The flags that every command takes. */
export function globalFlags(command: Command): GlobalFlags {
  const { verbose, json, logLevel } = command.optsWithGlobals<{
    verbose?: boolean
    json?: boolean
    logLevel?: LogLevel
  }>()
  return { verbose: verbose === true, json: json === true, logLevel: logLevel ?? (verbose === true ? 'debug' : 'info') }
}
