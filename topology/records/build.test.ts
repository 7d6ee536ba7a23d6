import { expect, it } from 'vitest'
import { countEvents } from '../../processors/core/windows/aggregate.ts'
import { aggregate } from '../../processors/operators/aggregate.ts'
import { keyBy } from '../../processors/operators/key-by.ts'
import { merge } from '../../processors/operators/merge.ts'
import { reduce } from '../../processors/operators/reduce.ts'
import { sideTag } from '../../processors/operators/side-output.ts'
import { tumblingWindows } from '../../processors/operators/windows.ts'
import { coPartition, topic } from '../sources.ts'
import { topology } from '../topology.ts'
import { fromSide, toCallback, toTopic } from './sinks.ts'

const clickAvro = {
  type: 'record',
  name: 'Click',
  fields: [
    { name: 'user', type: 'string' },
    { name: 'at', type: 'long' },
  ],
} as const

const watermark = { outOfOrderness: '1s', idleAfter: '5s', futureBound: '60s' } as const
const clicks = topology('clicks', {
  source: topic('clicks', { schema: clickAvro, key: 'user', eventTime: 'at' }),
  watermark,
})
const byUser = (id: string) => keyBy<{ user: string; at: number }>(id, { key: ({ user }) => user })
const latest = (id: string) => reduce<{ user: string; at: number }>(id, { fn: (_, later) => later })
const both = (left: typeof clicks, right: typeof clicks) =>
  topology('both', {
    source: coPartition('joined', {
      left: { stream: left, key: ({ user }) => user },
      right: { stream: right, key: ({ user }) => user },
    }),
    watermark,
  })
const counted = (id: string) =>
  aggregate(id, { window: tumblingWindows('1m'), allowedLateness: 0, aggregate: countEvents })

it('the places of inputs do not depend on the order in which they are declared', () => {
  const input = { stream: clicks, key: ({ user }: { user: string }) => user }
  const declared = (inputs: Record<string, typeof input>) =>
    topology('both', { source: coPartition('joined', inputs), watermark })
      .to()
      .stages.map(({ name, end }) => [name, end.kind === 'internal' ? end.input : undefined])
  expect(declared({ right: input, left: input })).toEqual(declared({ left: input, right: input }))
})

it.each([
  { name: 'two inputs re-keyed by one id', build: () => both(clicks.pipe(byUser('x')), clicks.pipe(byUser('x'))).to() },
  {
    name: 'a keyBy with the id of its coPartition',
    build: () =>
      both(clicks, clicks)
        .pipe(keyBy('joined', { key: ({ value }) => value.user }))
        .to(),
  },
  { name: 'a keyBy to the dead letters', build: () => clicks.pipe(byUser('dead-letters')).to() },
  { name: 'a keyBy in a merge', build: () => clicks.pipe(merge(byUser('x'))).to() },
  { name: 'two steps of one id in a merge', build: () => clicks.pipe(merge(counted('a'), counted('a'))).to() },
  {
    name: 'a step in a merge with the id of one outside',
    build: () => clicks.pipe(latest('a'), merge(counted('a'))).to(),
  },
  { name: 'two steps of one id in an input', build: () => both(clicks.pipe(latest('a'), latest('a')), clicks).to() },
  { name: 'a step with the id of the door in an input', build: () => both(clicks.pipe(latest('source')), clicks).to() },
  {
    name: 'two callbacks of one id',
    build: () =>
      clicks.to(
        toCallback('a', () => undefined),
        ...fromSide(
          sideTag('late'),
          toCallback('a', () => undefined),
        ),
      ),
  },
  {
    name: 'a topic that is its own source',
    build: () => clicks.to(toTopic('clicks', { schema: clickAvro, value: (click) => click })),
  },
])('$name is refused', ({ build }) => {
  expect(build).toThrow()
})
