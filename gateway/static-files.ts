import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { stripTypeScriptTypes } from 'node:module'
import { extname, join, relative, sep } from 'node:path'
import { exitCodes, FatalError } from '../schemas/errors.ts'
import type { Reply } from './reply.ts'

/** Everything that is served, by URL path: what is not in the map does not exist. */
export type StaticFiles = ReadonlyMap<string, StaticFile>

export interface StaticFile {
  readonly bytes: Uint8Array
  readonly type: string
  readonly etag: string
}

const types = new Map([
  ['.html', 'text/html; charset=utf-8'],
  ['.css', 'text/css; charset=utf-8'],
  ['.js', 'text/javascript; charset=utf-8'],
  ['.mjs', 'text/javascript; charset=utf-8'],
  ['.ts', 'text/javascript; charset=utf-8'],
  ['.json', 'application/json; charset=utf-8'],
  ['.svg', 'image/svg+xml'],
  ['.png', 'image/png'],
  ['.ico', 'image/x-icon'],
  ['.txt', 'text/plain; charset=utf-8'],
  ['.woff2', 'font/woff2'],
  ['.webmanifest', 'application/manifest+json'],
])

/** Files and bytes of a dashboard at most. */
const filesMax = 500
const bytesMax = 32 * 1024 * 1024

/**
 * Reads a folder into memory, once. `.ts` is served as `.js`, without its types; tests and declarations are left out.
 *
 * @param root  The folder; undefined for none.
 * @param extra URL path → file, from elsewhere.
 * @throws {FatalError} `STATIC_FILES` where a file cannot be read or there are too many.
 */
export async function loadStaticFiles(
  root: string | undefined,
  extra: ReadonlyMap<string, string> = new Map(),
): Promise<StaticFiles> {
  const files = new Map<string, StaticFile>()
  let total = 0
  const add = async (urlPath: string, file: string) => {
    const type = types.get(extname(file))
    if (type === undefined) return
    const bytes = file.endsWith('.ts') ? scriptOf(await readFile(file, 'utf8')) : await readFile(file)
    total += bytes.byteLength
    if (files.size >= filesMax || total > bytesMax) throw new Error(`more than ${filesMax} files or ${bytesMax} bytes`)
    const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`
    files.set(urlPath, { bytes, type, etag })
  }
  try {
    const entries = root === undefined ? [] : await readdir(root, { recursive: true, withFileTypes: true })
    for (const entry of entries) {
      if (!entry.isFile() || /\.(test|d|contract)\.[mc]?ts$/.test(entry.name)) continue
      const file = join(entry.parentPath, entry.name)
      const urlPath = `/${relative(root ?? '', file)
        .split(sep)
        .join('/')}`
      await add(urlPath.replace(/\.ts$/, '.js'), file)
    }
    for (const [urlPath, file] of extra) await add(urlPath, file)
  } catch (cause) {
    throw new FatalError({
      code: 'STATIC_FILES',
      message: 'the dashboard cannot be read',
      why: cause instanceof Error ? cause.message : String(cause),
      hint: 'check that the checkout is whole and npm ci ran',
      exitCode: exitCodes.config,
      cause,
    })
  }
  const index = files.get('/index.html')
  if (index !== undefined) files.set('/', index)
  return files
}

/** JavaScript of a TypeScript module; relative imports then name `.js`. */
function scriptOf(source: string): Uint8Array {
  const script = stripTypeScriptTypes(source, { mode: 'strip' })
  return Buffer.from(script.replace(/(\b(?:from|import)\s*\(?\s*['"]\.{1,2}\/[^'"\n]+)\.ts(['"])/g, '$1.js$2'))
}

/** The answer to a request for a static file; undefined where there is none of that name. */
export function staticReply(files: StaticFiles, path: string, ifNoneMatch: string): Reply | undefined {
  const file = files.get(path)
  if (file === undefined) return undefined
  const headers = [
    ['etag', file.etag],
    ['cache-control', 'no-cache'],
  ] as const
  if (ifNoneMatch === file.etag) return { status: 304, headers, body: '' }
  return { status: 200, headers: [...headers, ['content-type', file.type]], body: file.bytes }
}
