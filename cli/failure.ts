import pc from 'picocolors'
import { exitCodes, messageOf, RedwickError } from '../schemas/errors.ts'

function oneLine(text: string): string {
  return text.replace(/\s*\p{Cc}+\s*/gu, ' ').trim()
}

/** Tells an error in three lines: what happened and its code, why, what to try. @returns The exit code. */
export function tellFailure(
  error: unknown,
  options: { readonly isVerbose: boolean; readonly isJson: boolean },
): number {
  const known = error instanceof RedwickError ? error : undefined
  const code = known?.code ?? 'INTERNAL'
  const message = oneLine(messageOf(error))
  const cause = error instanceof Error && error.cause !== undefined ? messageOf(error.cause) : ''
  const why = oneLine(known?.why || cause || 'this was not expected: it is a bug of ours')
  const hint = oneLine(known?.hint || 'run it again with --verbose for the details')
  if (options.isJson) process.stderr.write(`${JSON.stringify({ level: 'error', code, message, why, hint })}\n`)
  else process.stderr.write(`${pc.red(`${code}: ${message}`)}\nWhy: ${why}\nTry: ${hint}\n`)
  if (options.isVerbose) process.stderr.write(`${error instanceof Error ? (error.stack ?? '') : String(error)}\n`)
  return known?.exitCode ?? exitCodes.failure
}
