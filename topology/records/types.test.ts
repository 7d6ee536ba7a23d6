import { expect, it } from 'vitest'
import { keyBy } from '../../processors/operators/key-by.ts'
import { map } from '../../processors/operators/map.ts'
import { coPartition, topic } from '../sources.ts'
import { topology } from '../topology.ts'
import { toCallback, toTable } from './sinks.ts'

const clickAvro = {
  type: 'record',
  name: 'Click',
  fields: [
    { name: 'user', type: 'string' },
    { name: 'at', type: 'long' },
    { name: 'page', type: ['null', 'string'] },
  ],
} as const

const watermark = { outOfOrderness: '1s', idleAfter: '5s', futureBound: '60s' } as const

it('types flow from the Avro schema to the sink', () => {
  const clicks = topology('clicks', {
    source: topic('clicks', { schema: clickAvro, key: 'user', eventTime: 'at' }),
    watermark,
  })
  const pages = clicks
    .pipe(
      map((click) => ({ page: click.page ?? '/', user: click.user })),
      keyBy('by-page', { key: (view) => view.page }),
      map((view) => view.user.length),
    )
    .to(
      toTable('pages', {
        columns: { page: 'text', size: 'int8' },
        key: ['page'],
        row: (size, { key }) => ({ page: key, size }),
      }),
      // @ts-expect-error the stream carries numbers
      toCallback('wrong', ({ value }: { value: string }) => void value),
    )
  expect(pages.stages.map(({ name }) => name)).toEqual(['clicks.before-by-page', 'clicks'])
  const both = topology('both', {
    source: coPartition('by-user', {
      left: { stream: clicks, key: (click) => click.user },
      right: { stream: clicks.pipe(map((click) => click.user.length)), key: (size) => String(size) },
    }),
    watermark,
  })
  const ended = both.pipe(map((tagged) => (tagged.from === 'left' ? tagged.value.user : tagged.value + 1))).to()
  expect(ended.stages.map(({ name }) => name)).toEqual(['both.by-user.left', 'both.by-user.right', 'both'])
})
