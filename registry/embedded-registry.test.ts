import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { controlAvro } from '../schemas/control.ts'
import { tickAvro } from '../schemas/tick.ts'
import { createEmbeddedRegistry } from './embedded-registry.ts'
import { registryContract } from './registry.contract.ts'

registryContract('the embedded registry', () => createEmbeddedRegistry())

describe('an embedded registry in a directory', () => {
  let directory: string
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'redwick-registry-'))
  })
  afterEach(() => rm(directory, { recursive: true, force: true }))

  it('knows after a restart what it knew before', async () => {
    const before = await createEmbeddedRegistry({ directory })
    const id = await before.register('ticks-value', tickAvro)
    await before.close()
    const after = await createEmbeddedRegistry({ directory })
    expect(await after.schema(id)).toEqual(JSON.parse(JSON.stringify(tickAvro)))
    expect(await after.register('ticks-value', tickAvro)).toBe(id)
  })

  it('writes the whole file and leaves no draft behind', async () => {
    const registry = await createEmbeddedRegistry({ directory })
    await Promise.all([registry.register('a', tickAvro), registry.register('b', controlAvro)])
    expect(await readdir(directory)).toEqual(['registry.json'])
    const again = await createEmbeddedRegistry({ directory })
    expect(await again.schema(await again.register('b', controlAvro))).toBeDefined()
  })

  it.each([
    { name: 'no JSON', text: '{"a":' },
    { name: 'no list', text: '{}' },
    { name: 'a list of something else', text: '[{"subject":1}]' },
  ])('refuses to start on a file that holds $name', async ({ text }) => {
    await writeFile(join(directory, 'registry.json'), text)
    await expect(createEmbeddedRegistry({ directory })).rejects.toMatchObject({ code: 'REGISTRY_FILE_UNREADABLE' })
  })
})

describe('ids of embedded registries', () => {
  it('are the same in every process, whatever the order of registration', async () => {
    const [one, other] = [await createEmbeddedRegistry(), await createEmbeddedRegistry()]
    const ticks = await one.register('ticks', tickAvro)
    const control = await one.register('control', controlAvro)
    expect(await other.register('control', controlAvro)).toBe(control)
    expect(await other.register('ticks', tickAvro)).toBe(ticks)
  })

  it('do not depend on the order of keys', async () => {
    const registry = await createEmbeddedRegistry()
    const id = await registry.register('a', { type: 'record', name: 'R', fields: [{ name: 'x', type: 'int' }] })
    expect(await registry.register('a', { fields: [{ type: 'int', name: 'x' }], name: 'R', type: 'record' })).toBe(id)
  })

  it('a caller that changes a schema it was handed changes nothing', async () => {
    const registry = await createEmbeddedRegistry()
    const id = await registry.register('a', tickAvro)
    Object.assign((await registry.schema(id)) ?? {}, { name: 'Other' })
    expect(await registry.schema(id)).toMatchObject({ name: 'Tick' })
  })
})
