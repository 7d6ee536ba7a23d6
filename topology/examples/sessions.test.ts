import fc from 'fast-check'
import { expect, it } from 'vitest'
import { topologyDriver } from '../testing/topology-driver.ts'
import { sessions } from './sessions.ts'

const minuteMs = 60_000
const view = (user: string, minute: number, page = '/a') => ({ page, user, at: minute * minuteMs, ms: 100 })
const ann = { user_id: 'ann', began: 0, ended: 40 * minuteMs, views: 2, pages: 2, ms: 200 }

it('a session ends 30 minutes after its last view', () => {
  const driver = topologyDriver(sessions, { partitions: 2 })
  driver.pipe('examples.views', [view('ann', 0), view('ann', 10, '/b')])
  driver.pipe('examples.views', [view('bob', 41)])
  driver.advanceWallClock('3s') // no page of the other partition was looked at: it holds nothing up
  driver.commit()
  expect(driver.table('session_activity')).toEqual([ann])
})

it('a crash at any moment changes nothing', () => {
  const views = [view('ann', 0), view('ann', 10, '/b'), view('bob', 12), view('ann', 60), view('bob', 130)]
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('commit', 'crash', 'nothing'), { maxLength: 5 }),
      fc.integer(),
      (events, seed) => {
        const driver = topologyDriver(sessions, { partitions: 1, seed })
        for (const [i, one] of views.entries()) {
          driver.pipe('examples.views', [one])
          if (events[i] === 'commit') driver.commit()
          if (events[i] === 'crash') driver.crash()
        }
        driver.commit()
        expect(driver.table('session_activity').map(({ user_id, views: count }) => [user_id, count])).toEqual([
          ['ann', 2],
          ['ann', 1],
          ['bob', 1],
        ])
        expect(driver.counts().every(({ breach }) => breach === 0)).toBe(true)
      },
    ),
  )
})
