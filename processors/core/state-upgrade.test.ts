import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createTestPipeline, type Emitted } from '../../test/pipeline.ts'
import { stateEntries } from '../../test/state-entries.ts'

// State that earlier versions of this program wrote is read by this one, and what follows comes out as if it had been
// this one all the time. A file for each version: `test/state/*.json`, sections by step in base64, written at the half.

const folder = join(import.meta.dirname, '..', '..', 'test', 'state')
const files = readdirSync(folder)

const contentOf = ({ kind, candle }: Emitted) => {
  const { seq: _, ...content } = candle
  return { kind, ...content }
}

describe('state of an earlier version', () => {
  it('there is one to read', () => expect(files.length).toBeGreaterThan(0))

  it.each(files)('%s', (file) => {
    const sections = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Record<string, string>
    const state = new Map(Object.entries(sections).map(([step, bytes]) => [step, Buffer.from(bytes, 'base64')]))
    const { first, second } = stateEntries()
    const always = createTestPipeline()
    always.feed(first)
    always.barrier()
    const upgraded = createTestPipeline({ states: [state] })
    const outcome = [always, upgraded].map((pipeline) => {
      pipeline.feed(second)
      return pipeline.barrier().emitted.map(contentOf)
    })
    expect(outcome[0]?.length).toBeGreaterThan(100)
    expect(outcome[1]).toEqual(outcome[0])
    expect(upgraded.refusals).toEqual([])
  })
})
