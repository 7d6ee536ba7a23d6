import type { RecordOf } from '../../schemas/avro-type.ts'
import { createRandom } from '../random.ts'
import type { RecordFeed } from '../records/run.ts'
import { generatedFeed } from './generated-feed.ts'

/** One page view, keyed by its page. */
export const viewAvro = {
  type: 'record',
  name: 'PageView',
  namespace: 'redwick.examples',
  fields: [
    { name: 'page', type: 'string' },
    { name: 'user', type: 'string' },
    { name: 'at', type: 'long' },
    { name: 'ms', type: 'int' },
  ],
} as const

export type PageView = RecordOf<typeof viewAvro>

const users = 300
const pages = 40
const minuteMs = 60_000
/** Views arrive up to this much out of order: within what the topology allows for. */
const disorderMs = 8000

/** Page views of users who come, read for a while and go, in the order in which they arrive; the last is at `toMs`. */
export function generateViews(options: {
  readonly seed: number
  readonly count: number
  readonly toMs: number
}): PageView[] {
  const { seed, count, toMs } = options
  const random = createRandom(seed)
  const whole = (below: number): number => Math.floor(random() * below)
  const resumesAt = new Float64Array(users)
  const stepMs = 400
  let now = toMs - count * stepMs
  const arrivals: { readonly arrivesAt: number; readonly view: PageView }[] = []
  while (arrivals.length < count) {
    now += stepMs
    const user = whole(users)
    if (now < (resumesAt[user] ?? 0)) {
      // Somebody who is away looks at nothing: another one does.
      continue
    }
    if (random() < 0.03) resumesAt[user] = now + (20 + whole(60)) * minuteMs
    const view = { page: `/${whole(pages)}`, user: `user-${user}`, at: now, ms: 100 + whole(30_000) }
    arrivals.push({ arrivesAt: now + whole(disorderMs), view })
  }
  const late = now - toMs
  return arrivals
    .sort((a, b) => a.arrivesAt - b.arrivesAt)
    .map(({ view }) => ({ ...view, at: view.at - Math.max(0, late) }))
}

/** Writes generated views. */
export function viewsFeed(options: {
  readonly seed: number
  readonly count: number
  readonly partitions: number
}): RecordFeed {
  return generatedFeed({
    topic: 'examples.views',
    partitions: options.partitions,
    schema: viewAvro,
    key: (view) => view.page,
    generate: (toMs) => generateViews({ ...options, toMs }),
  })
}
