export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** One line is one event with its coordinates in `details`; never a secret. */
export type Log = (level: LogLevel, message: string, details?: Record<string, unknown>) => void
