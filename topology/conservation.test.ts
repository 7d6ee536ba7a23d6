import { Registry } from 'prom-client'
import { expect, it } from 'vitest'
import { step } from '../processors/operators/step.ts'
import { toCandles } from '../processors/operators/to-candles.ts'
import type { ColumnBatch } from '../schemas/columns.ts'
import { tickAvro } from '../schemas/tick.ts'
import { createEngineWorld, topics } from '../test/engine-world.ts'
import { aTick } from '../test/tick-rows.ts'
import { candleStore } from './candle-topology.ts'
import { settled } from './engine-host.ts'
import { topic } from './sources.ts'
import { systemClock } from './system-clock.ts'
import { topology } from './topology.ts'

/** A step with a bug: what it is given first is gone, and in no count. */
const leaky = step<ColumnBatch, ColumnBatch>({ operator: 'leaky', options: {} }, () => {
  let isFirst = true
  return {
    rows(batch, emit) {
      if (isFirst && batch.columns.length > 0) batch.columns.length -= 1
      isFirst = false
      emit(batch)
    },
  }
})

const candles = (isFaulty: boolean) => {
  const source = topology('candles', {
    source: topic('ticks', { schema: tickAvro, key: 'symbol', eventTime: 'eventTime' }),
    watermark: { outOfOrderness: '500ms', idleAfter: '5s', futureBound: '60s' },
  })
  const last = toCandles('candles', { base: '1m', rollUp: [], allowedLateness: '2m', emitEvery: '100ms' })
  return (isFaulty ? source.pipe(leaky, last) : source.pipe(last)).to(candleStore())
}

it.each([
  { name: 'a step that loses a record', isFaulty: true, alarms: 1 },
  { name: 'a sound step', isFaulty: false, alarms: 0 },
])('$name gives $alarms alarms, each a metric and an error in the log', async ({ isFaulty, alarms }) => {
  const { output, broker, makeEngine } = await createEngineWorld(() => 'ok')
  const registry = new Registry()
  const errors: string[] = []
  const engine = makeEngine({
    topology: candles(isFaulty),
    registry,
    log: (level, message) => {
      if (level === 'error') errors.push(message)
    },
  })
  for (const tradeId of [1, 2, 3]) output.tick(aTick({ tradeId }))
  await output.flush()
  await engine.start()
  await settled([engine], { admin: broker.admin, topic: topics.ticks }, systemClock, AbortSignal.timeout(10_000))
  await engine.stop()
  await broker.close()
  expect(errors).toEqual(Array.from({ length: alarms }, () => 'records are not accounted for'))
  const text = await registry.getSingleMetricAsString('redwick_alarms_total')
  expect(/name="conservation_breach"\} 1/.test(text)).toBe(isFaulty)
})
