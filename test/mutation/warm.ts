// Runs test files again and again in one process, in the folder it is started in: the sources are loaded anew for each
// run, and all that does not change is loaded once. Several times as fast as a Vitest for each run.
// Asked over the channel of `fork`; whoever asks ends this process when an answer does not come.
import { readFileSync } from 'node:fs'
import { registerHooks, stripTypeScriptTypes } from 'node:module'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { z } from 'zod'
import { guarded } from './guard.ts'

/** Runs a test file; the answer is whether a test failed. */
const request = z.object({ file: z.string() })

const root = pathToFileURL(`${process.cwd()}/`).href
/** What the mutated sources are used by; nothing else imports them. */
const renewed = ['processors/', 'test/', 'topology/'].map((folder) => `${root}${folder}`)
const collectUrl = `${root}test/mutation/collect.ts`
let version = 0
/** Something was thrown or rejected outside of a test. */
let isStray = false
/** Sources and what they are without types. */
const stripped = new Map<string, { readonly source: string; readonly code: string }>()

function codeOf(path: string): string {
  const source = readFileSync(path, 'utf8')
  const known = stripped.get(path)
  if (known?.source === source) return known.code
  const code = stripTypeScriptTypes(
    path.includes('/processors/') && !path.endsWith('.test.ts') ? guarded(source) : source,
  )
  stripped.set(path, { source, code })
  return code
}

registerHooks({
  resolve(specifier, context, next) {
    if (specifier === 'vitest' && context.parentURL !== collectUrl) return { url: collectUrl, shortCircuit: true }
    const resolved = next(specifier, context)
    const isRenewed = resolved.url !== collectUrl && renewed.some((folder) => resolved.url.startsWith(folder))
    return isRenewed ? { ...resolved, url: `${resolved.url.split('?')[0]}?${version}` } : resolved
  },
  load(url, context, next) {
    if (!url.startsWith(root) || !/\.ts(\?|$)/.test(url)) return next(url, context)
    const path = fileURLToPath(url.split('?')[0] ?? url)
    return { format: 'module', source: codeOf(path), shortCircuit: true }
  },
})
const { firstError } = await import('./collect.ts')

async function fails(file: string): Promise<boolean> {
  version += 1
  isStray = false
  try {
    await import(`${pathToFileURL(join(process.cwd(), file)).href}?${version}`)
  } catch {
    await firstError()
    await setTimeout(2)
    return true
  }
  const error = await firstError()
  // RxJS throws what nobody handles a turn later.
  await setTimeout(2)
  return error !== undefined || isStray
}

process.on('message', (message) => {
  const { file } = request.parse(message)
  void fails(file).then((failed) => process.send?.({ failed }))
})
for (const name of ['unhandledRejection', 'uncaughtException'])
  process.on(name, () => {
    isStray = true
  })
process.on('disconnect', () => process.exit())
process.send?.({ ready: true })
