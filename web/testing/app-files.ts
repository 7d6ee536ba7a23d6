import { readdirSync, readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { extname, join } from 'node:path'

const app = join(import.meta.dirname, '../app')
const chartModule = join(
  import.meta.dirname,
  '../../node_modules/lightweight-charts/dist/lightweight-charts.standalone.production.mjs',
)

/** The one style sheet that the chart library puts into the page, by its hash: its logo's. */
export const contentSecurityPolicy =
  "default-src 'self'; style-src 'self' 'sha256-3pRED1tOXas1FXFoPb9TGCjmYe9XQsmO9OV23khV2nY='; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"

const types = new Map([
  ['.html', 'text/html; charset=utf-8'],
  ['.css', 'text/css; charset=utf-8'],
  ['.svg', 'image/svg+xml'],
  ['.js', 'text/javascript; charset=utf-8'],
])

export interface AppFile {
  readonly type: string
  readonly body: string
}

/** Every file of the dashboard by its path, as the gateway serves it: TypeScript without its types, as `.js`. */
export function loadAppFiles(): ReadonlyMap<string, AppFile> {
  const files = new Map<string, AppFile>()
  for (const name of readdirSync(app)) {
    const text = readFileSync(join(app, name), 'utf8')
    const isCode = extname(name) === '.ts'
    const path = `/${isCode ? name.replace(/\.ts$/, '.js') : name}`
    files.set(path, { type: types.get(extname(path)) ?? '', body: isCode ? stripTypeScriptTypes(text) : text })
  }
  files.set('/vendor/lightweight-charts.js', { type: types.get('.js') ?? '', body: readFileSync(chartModule, 'utf8') })
  const index = files.get('/index.html')
  if (index !== undefined) files.set('/', index)
  return files
}
