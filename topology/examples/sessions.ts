import { aggregate } from '../../processors/operators/aggregate.ts'
import { keyBy } from '../../processors/operators/key-by.ts'
import { sessionWindows } from '../../processors/operators/windows.ts'
import { toTable } from '../records/sinks.ts'
import { topic } from '../sources.ts'
import { topology } from '../topology.ts'
import { activityOf } from './activity.ts'
import { viewAvro, viewsFeed } from './views.ts'

/** Page views, keyed by page, to sessions of users: 30 minutes without a view end one. */
export const sessions = topology('sessions', {
  source: topic('examples.views', { schema: viewAvro, key: 'page', eventTime: 'at' }),
  watermark: { outOfOrderness: '10s', idleAfter: '2s', futureBound: '60s' },
})
  .pipe(
    keyBy('by-user', { key: (view) => view.user }),
    aggregate('activity', {
      window: sessionWindows('30m'),
      allowedLateness: '10m',
      aggregate: activityOf,
    }),
  )
  .to(
    toTable('session_activity', {
      columns: {
        user_id: 'text',
        began: 'timestamptz',
        ended: 'timestamptz',
        views: 'int8',
        pages: 'int8',
        ms: 'int8',
      },
      key: ['user_id', 'began'],
      row: ({ start, end, value }, { key }) => ({
        ...{ user_id: key, began: start, ended: end },
        ...{ views: value.views, pages: value.pages.length, ms: value.ms },
      }),
    }),
  )

export const feed = viewsFeed({ seed: 7, count: 20_000, partitions: 4 })
