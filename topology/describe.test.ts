import { expect, it } from 'vitest'
import { branch } from '../processors/operators/branch.ts'
import { filter } from '../processors/operators/filter.ts'
import { map } from '../processors/operators/map.ts'
import { sideTag } from '../processors/operators/side-output.ts'
import { candles } from './candles.ts'
import { describeFormats, describeTopology, topologyHash, topologyJson } from './describe.ts'
import { sessions } from './examples/sessions.ts'
import { spread } from './examples/spread.ts'
import { viewAvro } from './examples/views.ts'
import { fromSide, toCallback, toTopic } from './records/sinks.ts'
import { topic } from './sources.ts'
import { topology } from './topology.ts'

const views = (outOfOrderness: string) =>
  topology('views', {
    source: topic('examples.views', { schema: viewAvro, key: 'page', eventTime: 'at' }),
    watermark: { outOfOrderness, idleAfter: '2s', futureBound: '60s' },
  })
    .pipe(
      branch([({ ms }) => ms > 10, map((view) => view)], [() => true, filter(() => true)]),
      map((view) => view),
    )
    .to(
      toTopic('copies', { schema: viewAvro, value: (view) => view }),
      ...fromSide(
        sideTag<number>('odd'),
        toCallback('tell', () => undefined),
      ),
    )

it('a topology of candles is described as it always was: what ran before can be compared with it', () => {
  expect(Object.keys(topologyJson(candles))).toEqual(['name', 'source', 'watermark', 'steps', 'sinks'])
})

it('a topology of records is told by its stages, from which topic to which', () => {
  expect(topologyJson(spread)).toMatchObject({
    name: 'spread',
    stages: [
      {
        name: 'spread.by-pair.coinbase',
        source: { kind: 'ticks', topic: 'examples.ticks' },
        watermark: { outOfOrdernessMs: 2000 },
        steps: [
          { operator: 'deduplicate', id: 'once-coinbase' },
          { operator: 'tickRecords' },
          { operator: 'filter' },
          {},
        ],
        internal: { topic: 'redwick.spread.by-pair', input: 0 },
      },
      { name: 'spread.by-pair.kraken', internal: { topic: 'redwick.spread.by-pair', input: 1 } },
      {
        name: 'spread',
        source: { kind: 'internal', inputs: ['spread.by-pair.coinbase', 'spread.by-pair.kraken'] },
        steps: [{ id: 'near' }, { id: 'by-minute' }],
        sinks: [{ sink: 'table', name: 'venue_spread', guarantee: 'exactly once', key: ['pair', 'minute'] }],
      },
    ],
  })
})

it('the hash is the same for the same declaration, and another for another', () => {
  expect(topologyHash(views('1s'))).toBe(topologyHash(views('1000ms')))
  expect(topologyHash(views('1s'))).not.toBe(topologyHash(views('2s')))
  expect(new Set([candles, sessions, spread].map(topologyHash)).size).toBe(3)
})

it('diagrams show internal topics between stages, steps that a step holds, and side outputs', () => {
  expect(describeTopology(sessions, 'mermaid').split('\n')).toEqual([
    'flowchart LR',
    '  topic0["topic examples.views"]',
    '  topic1["topic redwick.sessions.by-user"]',
    '  subgraph group1["sessions.before-by-user"]',
    '  stage0["admit to sessions.before-by-user"]',
    '  end',
    '  subgraph group2["sessions"]',
    '  stage1["admit to sessions"]',
    `  stage1step0["aggregate 'activity'"]`,
    '  stage1sink0["table session_activity"]',
    '  end',
    '  topic0 --> stage0',
    '  stage0 --> topic1',
    '  topic1 --> stage1',
    '  stage1 --> stage1step0',
    '  stage1step0 --> stage1sink0',
  ])
  const dot = describeTopology(views('1s'), 'dot')
  expect(dot).toContain('stage0step0_0step0 [label="map"]')
  expect(dot).toContain('stage0step0_1step0 -> stage0step1;')
  expect(dot).toContain(`label="callback tell of side 'odd'"`)
})

it.each(describeFormats)('%s is the same each time', (format) => {
  expect(describeTopology(spread, format)).toBe(describeTopology(spread, format))
  expect(describeTopology(spread, format)).toContain('redwick.spread.by-pair')
})
