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

/** Properties of some files, each run 500 times, with a seed that is printed. */
const properties = (files: string): string => `PROPERTY_RUNS=500 npm test -- ${files} --testTimeout=600000`
const allPassed = (result: string): boolean => /\d+ passed/.test(result) && !/failed/.test(result)

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
    command: vitest('test/e2e/embedded-real-input', 'EQUITY_TRADES=573620'),
    result: passed,
  },
  {
    name: 'real-input-services',
    issue: 3,
    line: 'The same through Kafka 4.3.1 + Apicurio + PostgreSQL + Redis',
    command: vitest('test/e2e/services-real-input', 'EQUITY_TRADES=573620'),
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
  {
    name: 'mutation',
    issue: 4,
    line: 'A mutation check of the window core: ≥ 95 % of mutants killed; survivors listed',
    command: 'npm run -s mutation',
    result: /\d+ mutants, \d+ killed.*/,
  },
  {
    name: 'properties',
    issue: 4,
    line: 'Properties, ≥ 500 runs each, seeds printed: any arrival order within lateness gives the same candles; 5m = merge of its 1m; batch boundaries, partition interleaving, snapshot/restore at any point and worker count change nothing; conservation holds; no state left after lateness; generic and fast codec agree',
    command: properties(
      'processors/core/candle processors/core/windows/keyed-windows schemas/tick-column-decoder.property schemas/tick-column-run',
    ),
    result: passed,
    holds: allPassed,
  },
  {
    name: 'properties-engine',
    issue: 4,
    line: 'The same on real engines, up to three of them on four partitions: worker count, takeovers and failing commits change nothing (≥ 500 random runs)',
    command: properties('topology/engine.test.ts'),
    result: passed,
    holds: allPassed,
  },
  {
    name: 'core-against',
    issue: 4,
    line: 'Engine core speed not worse than before this issue: same bench, same run, the old commit beside, ratio ≥ 0.95',
    command: 'sh test/proof/core-against.sh eb947ab',
    result: /core ticksPerSecond: ratio .*/,
  },
  {
    name: 'records-cluster',
    issue: 4,
    line: 'A re-keyed topology and a windowed join over 4 partitions × 2 processes (Kafka, PostgreSQL) equal their oracles, also after kill −9 (6 kills of each)',
    command: vitest('test/e2e/records-cluster', 'KILLS=6 RECORDS=20000'),
    result: passed,
    holds: allPassed,
  },
  {
    name: 'records-faults',
    issue: 4,
    line: 'The same on random failing commits, lost answers, fencing and rebalances (500 random schedules of each)',
    command: properties('topology/records/records.test.ts'),
    result: passed,
    holds: allPassed,
  },
  {
    name: 'properties-records',
    issue: 4,
    line: 'Operators on records: restarts anywhere, any arrival order within lateness, joins, deduplication and timers against oracles, no state left (≥ 500 runs each)',
    command: properties('processors/operators processors/core/windows topology/testing'),
    result: passed,
    holds: allPassed,
  },
  {
    name: 'marbles',
    issue: 4,
    line: 'Marble specs read like documentation: each operator’s file has its marble picture, and its spec',
    command: 'npm test -- processors/operators test/marble-pictures',
    result: passed,
    holds: allPassed,
  },
  {
    name: 'history',
    issue: 4,
    line: 'History: segments at their marker equal the oracle in core (500 logs) and on engines with failing commits and rebalances; roll-ups are the merge of their base',
    command: properties('processors/core/candle-history topology/history topology/log-replay'),
    result: passed,
    holds: allPassed,
  },
  {
    name: 'history-cluster',
    issue: 4,
    line: 'History on Kafka and PostgreSQL: two engines, kill −9 (8 times), equal to the oracle; plan --replay finds no difference, explain verifies a replaced candle',
    command: vitest('test/e2e/history-cluster', 'KILLS=8'),
    result: passed,
    holds: allPassed,
  },
  {
    name: 'quarantine',
    issue: 4,
    line: 'Isolation: held and released keys end as if no step had thrown, whatever commits fail and partitions move (500 random runs); the command line; no restart loop',
    command: properties('topology/quarantine topology/records/trouble topology/records/pause test/e2e/quarantine'),
    result: passed,
    holds: allPassed,
  },
  {
    name: 'plan-explain',
    issue: 4,
    line: '`npm run plan` (with `--replay`) and `npm run explain` at the command line, embedded and on real services: tampered rows, orphaned state, late and repeated ticks',
    command: vitest(
      'test/e2e/plan-explain test/e2e/services-plan-explain topology/plan topology/explain topology/log-replay',
    ),
    result: passed,
    holds: allPassed,
  },
  {
    name: 'examples',
    issue: 4,
    line: 'Two topologies that are not about candles run with one command each',
    command: 'sh test/proof/examples.sh',
    result: /\d+ rows of venue_spread/,
  },
  {
    name: 'simulation',
    issue: 5,
    line: '10,000 simulation seeds, 0 violations, in ≤ 5 min',
    command: 'timeout 300 npm run -s simulate -- --seeds 10000',
    result: /\d+ seeds, \d+ commits, \d+ crashes, \d+ violations/,
    holds: (result) => /^10000 seeds.* 0 violations/.test(result),
  },
  {
    name: 'simulation-mutants',
    issue: 5,
    line: 'All planted mutants are found, each within 1,000 seeds',
    command: 'npm run -s simulate -- --mutant each',
    result: /mutant/,
    holds: (result) => result.startsWith('each mutant is found'),
  },
  {
    name: 'chaos',
    issue: 5,
    line: '50 consecutive chaos runs of ≥ 12 faults each on this machine, 0 differences; in them 100 lost COMMIT replies, 50 zombie takeovers, 20 disk-full cycles: nothing lost, nothing twice, no `idle in transaction` left, pool usable',
    command: 'npm run -s chaos -- --runs 50 --resume',
    result: /\d+ runs of at least/,
    holds: (result) =>
      /; 50 runs of at least (1[2-9]|[2-9]\d) faults, \d+ in all, 0 violating runs/.test(result) &&
      reaches(/(\d+) answer lost/, 100)(result) &&
      reaches(/(\d+) zombie/, 50)(result) &&
      reaches(/(\d+) disk full/, 20)(result),
  },
  {
    name: 'rolling-upgrade',
    issue: 5,
    line: 'Rolling upgrade of two engines with a changed, compatible topology, under faults: 0 differences (3 runs); state of an earlier version is read',
    command: 'npm run -s chaos -- --runs 3 --seed 900 --faults 6 --upgrade',
    result: /\d+ runs of at least/,
    holds: (result) => /(^|, )6 upgrade[,;].* 0 violating runs/.test(result),
  },
  {
    name: 'restore',
    issue: 5,
    line: 'Backup and restore of the store, then resume: the table equals the oracle, clients that remember what was begin anew (`reset`)',
    command: vitest('test/e2e/restore'),
    result: passed,
    holds: allPassed,
  },
  {
    name: 'chaos-mutants',
    issue: 5,
    line: 'The planted bugs are flagged by the chaos runs too',
    command: 'npm run -s chaos -- --mutant each',
    result: /each mutant/,
    holds: (result) => result.startsWith('each mutant is found'),
  },
  {
    name: 'recovery',
    issue: 5,
    line: 'Recovery: engine kill → fresh candles ≤ 10 s (median and max of 20); PostgreSQL back → ≤ 5 s; Redis or gateway ≤ 3 s; black hole ≤ 15 s',
    command: 'npm run -s recovery -- --runs 20',
    result: /within what is asked/,
    holds: (result) => result.startsWith('all'),
  },
  {
    name: 'endurance',
    issue: 5,
    line: 'Memory flat: 15 min at half of the measured maximum with a fault each 30 s: last third’s median RSS ≤ 1.05 × the middle third’s, descriptors flat, lag returns to 0',
    command: 'npm run -s endure -- --minutes 15',
    result: /flat \(/,
    holds: (result) => result.startsWith('flat'),
  },
  {
    name: 'storm-new',
    issue: 5,
    line: '100,000 new symbols within a second: no crash, no stall over 1 s, bounded memory',
    command: 'npm run -s storm -- --only new',
    result: /new symbols at one instant/,
  },
  {
    name: 'storm-midnight',
    issue: 5,
    line: '100,000 active symbols across 00:00 UTC: commit p99 and WAL bytes stated, finals out within 5 s',
    command: 'npm run -s storm -- --only midnight',
    result: /across 00:00/,
  },
  {
    name: 'takeovers',
    issue: 5,
    line: '1,000 takeovers of a partition within a second, and one with the clock set back: epochs grow strictly (PGlite, PostgreSQL)',
    command: vitest('sinks/pglite/pglite-store sinks/postgres/postgres-store -t "a takeover"', 'TAKEOVERS=1000'),
    result: passed,
    holds: allPassed,
  },
]
