import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { fillOptions, readConfig } from './config.ts'

const home = process.cwd()
let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'redwick-config-'))
  process.chdir(dir)
})
afterEach(async () => {
  process.chdir(home)
  await rm(dir, { recursive: true })
})

it('takes a setting from the environment, then .env, then redwick.config.json, then its default', async () => {
  await writeFile('.env', 'PORT=2\nTOPIC_PREFIX=from-env-file\n')
  await writeFile('redwick.config.json', JSON.stringify({ PORT: 3, TOPIC_PREFIX: 'from-json', TICKS_PARTITIONS: 7 }))
  expect(readConfig({ PORT: '1' })).toMatchObject({
    ...{ PORT: 1, TOPIC_PREFIX: 'from-env-file', TICKS_PARTITIONS: 7, DATA_DIR: './data' },
  })
})

it('fills what the command line takes as options, and leaves what is set', async () => {
  await writeFile('.env', 'FEED=replay\nLOG_LEVEL=debug\nPORT=2\n')
  const environment: Record<string, string | undefined> = { FEED: '', LOG_LEVEL: 'warn' }
  fillOptions(environment)
  expect(environment).toEqual({ FEED: 'replay', LOG_LEVEL: 'warn' })
})

it('counts an empty value as unset', () => {
  const environment: Record<string, string | undefined> = { FEED: '', DATA_DIR: '' }
  fillOptions(environment)
  expect(environment).toEqual({ DATA_DIR: '' })
  expect(readConfig(environment).DATA_DIR).toBe('./data')
})

it.each([
  { name: 'a bad value', file: '.env', text: 'PORT=70000', message: 'PORT (from .env) is not valid' },
  {
    name: 'a file that is no object',
    file: 'redwick.config.json',
    text: '[1]',
    message: 'redwick.config.json is not valid',
  },
])('names the source of $name', async ({ file, text, message }) => {
  await writeFile(file, text)
  expect(() => readConfig({})).toThrow(expect.objectContaining({ code: 'CONFIG', message }))
})
