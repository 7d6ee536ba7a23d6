/** One line of an issue's "Must show", and the one command that proves it with the full count. */
export interface Proof {
  readonly name: string
  readonly issue: number
  readonly line: string
  /** Run in the checkout by `sh -c`. */
  readonly command: string
  /** Its last line that matches is the row's result. */
  readonly result: RegExp
  /** What the result must say besides, where the command itself only measures. */
  readonly holds?: (result: string) => boolean
}

/** A figure of a bench's JSON line reaches what was asked. */
const reaches =
  (pattern: RegExp, least: number) =>
  (result: string): boolean =>
    Number(pattern.exec(result)?.[1]) >= least

const vitest = (files: string, environment = ''): string =>
  `${environment}${environment === '' ? '' : ' '}REQUIRE_SERVICES=1 npm test -- ${files}`
const passed = /Tests\s+.*\d+ (passed|failed)/
const mentions = (first: RegExp): RegExp => new RegExp(`${first.source}|${passed.source}`)

/** Every proof, in the order of the issues. */
export const proofs: readonly Proof[] = [
  {
    name: 'fresh-start',
    issue: 3,
    line: 'Fresh clone, `npm ci`, `npm run topology`: a moving candle in the browser within 10 s of the start, no key, no service, no frightening warning; Ctrl-C ends it cleanly',
    command: 'sh test/proof/fresh-start.sh',
    result: /a moving candle \d+ ms after the start/,
  },
  {
    name: 'lifecycle',
    issue: 3,
    line: 'Started again it continues from its data; two at once on one data directory: a clear refusal; INT and TERM to npm and to the process group',
    command: vitest('test/e2e/lifecycle'),
    result: passed,
  },
  {
    name: 'real-input-embedded',
    issue: 3,
    line: 'Binance (six symbols, true arrival order), Kraken and the BAC week through the embedded profile equal the brute-force oracle field by field at every interval; Kraken equals the exchange’s 409 candles; the same file twice changes nothing; kill −9 on the way, the same table',
    command: vitest('test/e2e/embedded-real-input'),
    result: passed,
  },
  {
    name: 'real-input-services',
    issue: 3,
    line: 'The same through Kafka 4.3.1 + Apicurio + PostgreSQL + Redis',
    command: vitest('test/e2e/services-real-input'),
    result: passed,
  },
  {
    name: 'kill-nine',
    issue: 3,
    line: 'kill −9 during the replay at 20 random moments, restart: the same table',
    command: vitest('test/e2e/kill-nine', 'KILLS=20'),
    result: mentions(/killed \d+ times/),
  },
  {
    name: 'column-batches',
    issue: 3,
    line: 'The contract suite asserts that no per-record object reaches the engine on the tick path (embedded in memory, in a folder, and kafkajs)',
    command: vitest('broker -t "columns"'),
    result: passed,
  },
  {
    name: 'open-address',
    issue: 3,
    line: '`HOST` other than loopback is refused without `AUTH_TOKEN`; compose takes it from its environment and refuses an empty one',
    command: vitest('test/e2e/open-address'),
    result: passed,
  },
  {
    name: 'simulator-day',
    issue: 3,
    line: '24 h of the simulator at 1,000×: the data directory stays bounded; the last log segment cut at 200 random points: starts again each time, and loses only what was never acknowledged',
    command: vitest('test/e2e/simulator', 'SIM_DURATION=24h SIM_CUTS=200 SIM_RESTARTS=200 SIM_CUT_SEED=1'),
    result: mentions(/data directory after/),
  },
  {
    name: 'mid-replay',
    issue: 3,
    line: 'Clients that subscribe mid-replay see snapshot + contiguous updates; their finals equal the table (both profiles)',
    command: vitest('test/e2e/mid-replay'),
    result: passed,
  },
  {
    name: 'bad-input',
    issue: 3,
    line: 'Malformed lines are dead letters with file and line; unreadable file, unknown option, port in use, unreachable broker or database: three-line errors with code and exit code, never a stack trace',
    command: vitest('test/e2e/bad-input'),
    result: passed,
  },
  {
    name: 'engine-faults',
    issue: 3,
    line: 'Failing commits, lost answers, fencing and rebalances: the table equals the oracle, `candles.live` stays contiguous (1,000 random schedules)',
    command: vitest('topology/engine.test.ts', 'PROPERTY_RUNS=1000'),
    result: passed,
  },
  {
    name: 'core-speed',
    issue: 3,
    line: 'Engine core ≥ 5 M ticks/s a core in memory (decode + dedupe + windows + roll-ups)',
    command: 'npm run -s bench -- core --json',
    result: /"bench":"core".*/,
    holds: reaches(/"ticksPerSecond":\{[^}]*"median":([\d.]+)/, 5_000_000),
  },
  {
    name: 'peers-speed',
    issue: 3,
    line: 'End to end from Kafka to PostgreSQL through kafkajs ≥ 1.0 × the kafkajs loop, interleaved, checkpoints each second; RSS stated',
    command: 'npm run -s bench -- peers --ticks 3000000 --json',
    result: /"bench":"peers".*/,
    holds: reaches(/"ratio":([\d.]+)/, 1),
  },
  {
    name: 'ci',
    issue: 3,
    line: '`.ci/run` green from a clean clone, tests in random order twice',
    command: 'sh test/proof/clean-clone.sh',
    result: /\d+ passed, \d+ failed/,
  },
  {
    name: 'fixtures',
    issue: 4,
    line: 'Every case of the shared fixtures passes, or is decided by its model',
    command: 'npm run -s fixtures -- ../shared/fixtures',
    result: /\d+ passed, \d+ failed/,
  },
  {
    name: 'late-speed',
    issue: 4,
    line: '100 % late input runs at ≥ 0.5 of normal speed (ranges, not rows)',
    command: 'npm run -s bench -- late --json',
    result: /"bench":"late".*/,
    holds: reaches(/"ratio":\{[^}]*"median":([\d.]+)/, 0.5),
  },
]
