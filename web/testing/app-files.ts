import { join } from 'node:path'
import { loadStaticFiles, type StaticFiles } from '../../gateway/static-files.ts'

const root = join(import.meta.dirname, '../..')

/**
 * The policy that the dashboard needs. The hash is of the one style sheet that the chart library puts into the page:
 * its logo's, the same in every page (lightweight-charts 5.2.1).
 */
export const contentSecurityPolicy =
  "default-src 'self'; style-src 'self' 'sha256-3pRED1tOXas1FXFoPb9TGCjmYe9XQsmO9OV23khV2nY='; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"

/** Every file of the dashboard by its path, as the gateway serves it. */
export function loadAppFiles(): Promise<StaticFiles> {
  const dist = join(root, 'node_modules/lightweight-charts/dist')
  const chart = join(dist, 'lightweight-charts.standalone.production.mjs')
  return loadStaticFiles(join(root, 'web/app'), new Map([['/vendor/lightweight-charts.js', chart]]))
}
