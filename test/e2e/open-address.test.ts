import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { runCli, startCli } from '../cli.ts'

const token = 'a-token-for-tests-that-is-long-enough'

it.each(['0.0.0.0', '::', '192.0.2.1'])('HOST %s without a token is refused before anything opens', async (HOST) => {
  const run = await runCli(['topology'], { DATA_DIR: join(tmpdir(), 'redwick-never-made'), HOST })
  expect(run, run.stderr).toMatchObject({ code: 78 })
  expect(run.stderr).toMatch(/^AUTH_REQUIRED: /)
})

it('an open address with a token asks everybody for it', async () => {
  const DATA_DIR = await mkdtemp(join(tmpdir(), 'redwick-open-'))
  const run = startCli(['topology', '--feed', 'none'], { DATA_DIR, HOST: '0.0.0.0', AUTH_TOKEN: token })
  try {
    const port = (await run.sees(/ready at \S+:(\d+)/))[1] ?? ''
    const status = async (path: string, authorization?: string): Promise<number> =>
      (
        await fetch(`http://127.0.0.1:${port}${path}`, {
          headers: authorization === undefined ? {} : { authorization },
        })
      ).status
    expect(await status('/v1/symbols')).toBe(401)
    expect(await status('/metrics')).toBe(401)
    expect(await status('/v1/symbols', `Bearer ${token.replace('a', 'b')}`)).toBe(401)
    expect(await status('/v1/symbols', `Bearer ${token}`)).toBe(200)
    expect(run.stderr()).not.toContain(token)
  } finally {
    run.process.kill('SIGTERM')
    await run.ended
    await rm(DATA_DIR, { recursive: true, force: true })
  }
}, 60_000)

it('compose takes the token from its environment and refuses an empty one', async () => {
  const compose = await readFile(join(import.meta.dirname, '..', '..', 'docker-compose.yml'), 'utf8')
  const uses = compose.split('\n').filter((line) => /AUTH_TOKEN:/.test(line) && !line.trim().startsWith('#'))
  expect(uses.length).toBeGreaterThan(0)
  for (const line of uses) expect(line).toMatch(/AUTH_TOKEN: ["']?\$\{AUTH_TOKEN:\?[^}]+\}/)
})
