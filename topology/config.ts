import { existsSync, readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { z } from 'zod'
import { exitCodes, FatalError } from '../schemas/errors.ts'

/** Least characters of a static bearer token. */
export const authTokenCharsMin = 32

/** What reads ticks and other topics of a broker: our reader of fetched bytes, or kafkajs. */
export const brokerClients = ['fast', 'kafkajs'] as const
export type BrokerClient = (typeof brokerClients)[number]

const optionalText = z.string().trim().min(1).optional()
const url = (form: string, ...protocols: readonly string[]) =>
  z
    .string()
    .refine((value) => URL.canParse(value) && protocols.includes(new URL(value).protocol), {
      error: `expected ${form}`,
    })
    .optional()

/** Every setting: its name in the environment, and the accepted form. */
export const configSchema = z.object({
  DATA_DIR: z.string().trim().min(1).default('./data'),
  HOST: z.string().trim().min(1).default('127.0.0.1'),
  PORT: z
    .string()
    .regex(/^\d{1,5}$/, { error: 'expected a port, 0 to 65535' })
    .transform(Number)
    .refine((port) => port <= 65_535, { error: 'expected a port, 0 to 65535' })
    .default(8080),
  REDPANDA_BROKERS: z
    .string()
    .regex(/^[^\s,:]+:\d{1,5}(,[^\s,:]+:\d{1,5})*$/, { error: 'expected host:port, several by commas' })
    .optional(),
  BROKER_CLIENT: z.enum(brokerClients, { error: `expected one of ${brokerClients.join(', ')}` }).default('fast'),
  SCHEMA_REGISTRY_URL: url('http://host:port or https://host:port', 'http:', 'https:'),
  DATABASE_URL: url('postgres://user:password@host:port/database', 'postgres:', 'postgresql:'),
  REDIS_URL: url('redis://host:port or rediss://host:port', 'redis:', 'rediss:'),
  AUTH_TOKEN: z
    .string()
    .min(authTokenCharsMin, { error: `expected at least ${authTokenCharsMin} characters` })
    .optional(),
  ALLOWED_ORIGINS: optionalText,
  TICKS_PARTITIONS: z
    .string()
    .regex(/^[1-9]\d{0,3}$/, { error: 'expected a number of partitions, 1 to 9999' })
    .transform(Number)
    .default(4),
  TOPIC_PREFIX: z
    .string()
    .regex(/^[A-Za-z0-9.-]{0,64}$/, { error: 'expected at most 64 letters, digits, dots and dashes' })
    .default(''),
})

export type Config = z.infer<typeof configSchema>

type Values = Record<string, string | undefined>

/** Where values come from, the strongest first. */
interface Source {
  readonly name: string
  readonly values: Values
}

function fileSources(): Source[] {
  const sources: Source[] = []
  if (existsSync('.env')) sources.push({ name: '.env', values: parseEnv(readFileSync('.env', 'utf8')) as Values })
  const path = 'redwick.config.json'
  if (existsSync(path)) {
    const parsed = z.record(z.string(), z.coerce.string()).safeParse(parseJson(readFileSync(path, 'utf8')))
    if (!parsed.success) throw badConfig(path, 'expected one JSON object of names and values')
    sources.push({ name: path, values: parsed.data })
  }
  return sources
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function badConfig(what: string, why: string): FatalError {
  return new FatalError({
    code: 'CONFIG',
    message: `${what} is not valid`,
    why,
    hint: 'see the table of settings in README.md',
    exitCode: exitCodes.config,
  })
}

/** Settings that are options of the command line too: an option is stronger than the environment. */
const optionNames = ['FEED', 'LOG_LEVEL'] as const

/**
 * Puts those settings of `.env` and `redwick.config.json` into the environment that commands take as options, where it
 * has none itself; an empty value counts as unset.
 *
 * @throws {FatalError} `CONFIG`.
 */
export function fillOptions(environment: Values): void {
  const files = fileSources()
  for (const name of optionNames) {
    if ((environment[name] ?? '') !== '') continue
    const found = files.map(({ values }) => values[name]).find((value) => (value ?? '') !== '')
    if (found === undefined) delete environment[name]
    else environment[name] = found
  }
}

/**
 * Settings from the environment, then `.env`, then `redwick.config.json`, then defaults; an empty value counts as unset.
 *
 * @throws {FatalError} `CONFIG`, naming the setting, its source and the accepted form; never the value of a secret.
 */
export function readConfig(environment: Values = process.env): Config {
  const sources = [{ name: 'the environment', values: environment }, ...fileSources()]
  const values: Values = {}
  const origin = new Map<string, string>()
  for (const name of Object.keys(configSchema.shape)) {
    const source = sources.find((candidate) => (candidate.values[name] ?? '') !== '')
    if (source === undefined) continue
    values[name] = source.values[name]
    origin.set(name, source.name)
  }
  const parsed = configSchema.safeParse(values)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const name = String(issue?.path[0] ?? '')
  throw badConfig(`${name} (from ${origin.get(name) ?? 'defaults'})`, issue?.message ?? '')
}
