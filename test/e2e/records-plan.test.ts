import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { runCli } from '../cli.ts'

const root = join(import.meta.dirname, '..', '..')

it('a topology of records that lost the name of its state is refused by plan and by the start', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'redwick-records-plan-'))
  // Beside the example, so that its imports hold.
  const changed = join(root, 'topology', 'examples', `.changed-${process.pid}.ts`)
  try {
    const environment = { DATA_DIR: dir }
    const file = join(root, 'topology', 'examples', 'sessions.ts')
    expect(await runCli(['run', file, '--until-end', '--limit', '1'], environment)).toMatchObject({ code: 0 })
    const same = await runCli(['plan', '--file', file], environment)
    expect(same).toMatchObject({ code: 0 })
    await writeFile(changed, (await readFile(file, 'utf8')).replace("aggregate('activity'", "aggregate('renamed'"))
    const refused = await runCli(['plan', '--file', changed], environment)
    expect(refused).toMatchObject({ code: 1 })
    expect(refused.stdout).toContain('activity')
    const started = await runCli(['run', changed, '--no-feed', '--until-end'], environment)
    expect(started).toMatchObject({ code: 78 })
    expect(started.stderr).toContain('STATE_INCOMPATIBLE')
    // It was not noted, and nothing is lost: the old one goes on.
    expect(await runCli(['run', file, '--no-feed', '--until-end', '--limit', '1'], environment)).toMatchObject({
      code: 0,
    })
  } finally {
    await rm(changed, { force: true })
    await rm(dir, { recursive: true, force: true })
  }
}, 120_000)
