import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { z } from 'zod'
import { messageOf } from '../schemas/errors.ts'
import { missing } from './needs.ts'
import { resultsDir } from './save.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '..')
const dirty = /-dirty$/

/** An older commit, checked out beside this one. */
export interface Baseline {
  readonly tree: string
  close(): Promise<void>
}

/** The commit of a bench's kept result. @throws {FatalError} `BENCH_NEEDS`. */
export async function commitOfResult(bench: string): Promise<string> {
  try {
    const text = await readFile(join(resultsDir, `${bench}.json`), 'utf8')
    return z.object({ commit: z.string() }).parse(JSON.parse(text)).commit.replace(dirty, '')
  } catch (error) {
    throw missing(`a kept result of ${bench}, or --check COMMIT`, messageOf(error))
  }
}

const lockOf = (tree: string): Promise<string> => readFile(join(tree, 'package-lock.json'), 'utf8')

/** @throws {FatalError} `BENCH_NEEDS` where there is no such commit. */
export async function checkOut(commit: string): Promise<Baseline> {
  const dir = await mkdtemp(join(tmpdir(), 'redwick-baseline-'))
  const tree = join(dir, 'tree')
  const close = async (): Promise<void> => {
    await run('git', ['worktree', 'remove', '--force', tree], { cwd: root }).catch(() => undefined)
    await rm(dir, { recursive: true, force: true })
    await run('git', ['worktree', 'prune'], { cwd: root })
  }
  try {
    await run('git', ['worktree', 'add', '--quiet', '--force', '--detach', tree, commit], { cwd: root })
    // Its own copy: each keeps its files without types there, and would else strip the other's at each start, which slows it.
    if ((await lockOf(tree)) === (await lockOf(root))) {
      await run('cp', ['-al', join(root, 'node_modules'), join(tree, 'node_modules')])
      await rm(join(tree, 'node_modules', '.cache'), { recursive: true, force: true })
    } else await run('npm', ['ci'], { cwd: tree })
    return { tree, close }
  } catch (error) {
    await close()
    throw missing(`commit ${commit}`, messageOf(error))
  }
}
