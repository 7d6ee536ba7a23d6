// Keeps our files without their types, so that a start need not strip them: node --import ./bin/strip-types.mjs …
// Run by itself it does so for all of them. Plain JavaScript, because it comes before anything can strip types.
//
// What strips types is WebAssembly whose memory grows, and that costs more than the time: once any buffer of an isolate
// was detached, compiled code looks before each access to a typed array whether its buffer still is (docs/decisions/0014).
import { createHash, randomUUID } from 'node:crypto'
import { globSync, mkdirSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { registerHooks, stripTypeScriptTypes } from 'node:module'
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(import.meta.dirname, '..')
const kept = join(root, 'node_modules', '.cache', 'redwick', 'stripped')

/** A file's code without types: what is kept of it, if it was made of the same text, else made anew. */
function strippedCode(path) {
  const text = readFileSync(path, 'utf8')
  const mark = `\n//${createHash('sha256').update(process.version).update(text).digest('hex')}`
  const place = join(kept, `${relative(root, path).replaceAll(sep, '+')}.js`)
  const found = read(place)
  if (found.endsWith(mark)) return found
  const code = stripTypeScriptTypes(text) + mark
  keep(place, code)
  return code
}

/** What cannot be read is not kept: another user's, say. */
function read(place) {
  try {
    return readFileSync(place, 'utf8')
  } catch {
    return ''
  }
}

/** Where nothing can be written each start strips the types again, and that is all: no trouble here is worth a start. */
function keep(place, code) {
  const draft = `${place}.${randomUUID()}`
  try {
    mkdirSync(dirname(place), { recursive: true })
    writeFileSync(draft, code)
    renameSync(draft, place)
  } catch {
    rmSync(draft, { force: true })
  }
}

function keepAll() {
  rmSync(kept, { recursive: true, force: true })
  const isLeftOut = (name) => /^(node_modules|\..+)$|\.test\.ts$/.test(name)
  for (const name of globSync('**/*.ts', { cwd: root, exclude: isLeftOut })) {
    try {
      strippedCode(join(root, name))
    } catch (error) {
      console.warn(`${name} keeps its types: ${error.message}`)
    }
  }
}

function handOut() {
  registerHooks({
    load(url, context, nextLoad) {
      const isOurs = url.startsWith('file:') && url.endsWith('.ts')
      const path = isOurs ? fileURLToPath(url) : ''
      const within = relative(root, path)
      if (!isOurs || within.startsWith('..') || within.startsWith('node_modules')) return nextLoad(url, context)
      return { format: 'module', source: strippedCode(path), shortCircuit: true }
    },
  })
}

const started = process.argv[1]
if (started !== undefined && read(started) !== '' && realpathSync(started) === import.meta.filename) keepAll()
else handOut()
