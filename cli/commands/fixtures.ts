import type { Command } from 'commander'
import { exitCodes } from '../../schemas/errors.ts'

/** `fixtures`: windowing facts of a folder against the real windows, watermarks and candles. Exits 1 where one fails. */
export function fixturesCommand(program: Command): void {
  program
    .command('fixtures')
    .description('run windowing facts, in the format of their FORMAT.md, against the engine')
    .argument('<dir>', 'folder of .json files')
    .action(async (dir: string) => {
      // Loaded here: no other command needs it.
      const { runFixtures } = await import('../../test/fixtures/run.ts')
      const results = await runFixtures(dir)
      const count = (outcome: string): number => results.filter((result) => result.outcome === outcome).length
      for (const { file, name, problems } of results)
        for (const problem of problems) process.stdout.write(`${file}: ${name}: ${problem}\n`)
      const decided = count('decided') === 0 ? '' : `, ${count('decided')} decided`
      process.stdout.write(`${count('passed')} passed, ${count('failed')} failed${decided}\n`)
      if (count('failed') > 0) process.exitCode = exitCodes.failure
    })
}
