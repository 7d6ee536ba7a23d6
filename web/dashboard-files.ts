import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const dist = join(root, 'node_modules/lightweight-charts/dist')

/** What a gateway serves for the dashboard: hand it over as it is. */
export const dashboardFiles = {
  /** Folder of the page. */
  staticRoot: join(import.meta.dirname, 'app'),
  /** URL path → file, from elsewhere. */
  extraFiles: new Map([['/vendor/lightweight-charts.js', join(dist, 'lightweight-charts.standalone.production.mjs')]]),
  /** The one style sheet that the chart library puts into the page: its logo's (lightweight-charts 5.2.1). */
  styleHashes: ['sha256-3pRED1tOXas1FXFoPb9TGCjmYe9XQsmO9OV23khV2nY='],
} as const
