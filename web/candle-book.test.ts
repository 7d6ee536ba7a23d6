import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createCandleBook } from './app/candle-book.ts'
import type { Bar, Position, Snapshot, Subscribed, Update } from './app/protocol.ts'

const minute = 60_000

function bar(index: number, over: Partial<Bar> = {}): Bar {
  const price = { open: '10', high: '12', low: '9', close: '11', volume: '1.5', trades: 3 }
  return { start: index * minute, ...price, final: true, corrected: false, ...over }
}

function place(e: number, q: number, seq = 0, store: string | undefined = undefined): Position {
  return { store, e, q, seq }
}

function snapshot(position: Position, bars: readonly Bar[], reason = 'initial'): Snapshot {
  return { ch: 1, reason, position, bars }
}

function update(q: number, of: Bar, over: Partial<Update> = {}): Update {
  return { ch: 1, e: undefined, q, pq: undefined, seq: undefined, bar: of, ...over }
}

function subscribed(mode: string, position: Position): Subscribed {
  return { ok: true, ch: 1, symbol: 'BTC-USDT', interval: '1m', mode, position, code: 0, message: '' }
}

/** A book at `(e 5, q 100, seq 40)` with candles 0, 1 (final) and 2 (open). */
function started() {
  const book = createCandleBook()
  book.snapshot(snapshot(place(5, 100, 40), [bar(0), bar(1), bar(2, { final: false })]))
  return book
}

const starts = (bars: readonly Bar[]) => bars.map((one) => one.start / minute)

describe('updates', () => {
  it.each([
    { name: 'the next number applies', change: update(101, bar(2, { close: '12' })), kind: 'bars', q: 101 },
    { name: 'the same number changes nothing', change: update(100, bar(2, { close: '12' })), kind: 'none', q: 100 },
    { name: 'a lower number changes nothing', change: update(7, bar(2)), kind: 'none', q: 100 },
    { name: 'a jump is a gap and moves nothing', change: update(103, bar(2)), kind: 'gap', q: 100 },
    {
      name: 'a jump that names the last number applies',
      change: update(103, bar(2), { pq: 100 }),
      kind: 'bars',
      q: 103,
    },
    {
      name: 'a jump that names a later number is a gap',
      change: update(103, bar(2), { pq: 101 }),
      kind: 'gap',
      q: 100,
    },
    { name: 'a lower epoch changes nothing', change: update(500, bar(2), { e: 4 }), kind: 'none', q: 100 },
    { name: 'a higher epoch without a snapshot is a gap', change: update(1, bar(2), { e: 6 }), kind: 'gap', q: 100 },
  ])('$name', ({ change, kind, q }) => {
    const book = started()
    expect(book.update(change).kind).toBe(kind)
    expect(book.position()?.q).toBe(q)
  })

  it('before any snapshot are a gap', () => {
    expect(createCandleBook().update(update(1, bar(0))).kind).toBe('gap')
  })

  it('of an old candle replace it in place', () => {
    const book = started()
    const corrected = bar(0, { close: '9.5', corrected: true })
    expect(book.update(update(101, corrected, { seq: 41 }))).toEqual({
      kind: 'bars',
      bars: [corrected],
      inserted: false,
    })
    expect(book.at(0)).toEqual(corrected)
    expect(book.position()?.seq).toBe(41)
  })

  it('of a candle that was never there say that it was put between others', () => {
    const book = createCandleBook()
    book.snapshot(snapshot(place(5, 100), [bar(0), bar(4)]))
    expect(book.update(update(101, bar(2)))).toMatchObject({ kind: 'bars', inserted: true })
    expect(starts(book.bars())).toEqual([0, 2, 4])
  })

  it('of the next candle are not insertions', () => {
    expect(started().update(update(101, bar(3, { final: false })))).toMatchObject({ kind: 'bars', inserted: false })
  })
})

describe('snapshots', () => {
  it.each([
    { reason: 'initial', kept: [2, 3] },
    { reason: 'reset', kept: [2, 3] },
    { reason: 'epoch', kept: [0, 1, 2, 3] },
    { reason: 'lagging', kept: [0, 1, 2, 3] },
  ])('of reason $reason leave $kept', ({ reason, kept }) => {
    const book = started()
    expect(book.snapshot(snapshot(place(6, 0, 41), [bar(2), bar(3, { final: false })], reason)).kind).toBe('all')
    expect(starts(book.bars())).toEqual(kept)
    expect(book.position()).toMatchObject({ e: 6, q: 0, seq: 41 })
  })

  it('that add to what is here take away what was open and is no more', () => {
    const book = started()
    book.snapshot(snapshot(place(6, 0), [bar(3, { final: false })], 'epoch'))
    expect(starts(book.bars())).toEqual([0, 1, 3])
  })

  it('of an older epoch that only add are not applied', () => {
    expect(started().snapshot(snapshot(place(4, 900), [bar(9)], 'epoch')).kind).toBe('none')
  })

  it('never move seq back unless they stand for the whole channel', () => {
    const book = started()
    book.snapshot(snapshot(place(6, 0, 3), [], 'epoch'))
    expect(book.position()?.seq).toBe(40)
    book.snapshot(snapshot(place(1, 0, 3), [bar(0)], 'reset'))
    expect(book.position()).toMatchObject({ e: 1, q: 0, seq: 3 })
  })
})

describe('the position', () => {
  it('is unknown before anything came', () => expect(createCandleBook().position()).toBeUndefined())

  it('holds the store that the subscription named', () => {
    const book = createCandleBook()
    book.subscribed(subscribed('snapshot', place(5, 100, 0, 'k3')))
    expect(book.position()).toBeUndefined()
    book.snapshot(snapshot(place(5, 100, 40), [bar(0)]))
    expect(book.position()).toEqual(place(5, 100, 40, 'k3'))
  })

  it('stays where it was while a resumed channel replays', () => {
    const book = started()
    book.subscribed(subscribed('resumed', place(5, 120, 0, 'k3')))
    expect(book.position()?.q).toBe(100)
    expect(book.update(update(101, bar(2))).kind).toBe('bars')
  })

  it('is the subscription’s own where no snapshot comes', () => {
    const book = createCandleBook()
    book.subscribed(subscribed('live-only', place(5, 120)))
    expect(book.update(update(121, bar(7, { final: false }))).kind).toBe('bars')
  })
})

describe('history', () => {
  it('goes under what came over the socket', () => {
    const book = started()
    expect(book.history([bar(-2), bar(-1), bar(1, { close: '99' })]).kind).toBe('all')
    expect(starts(book.bars())).toEqual([-2, -1, 0, 1, 2])
    expect(book.at(minute)?.close).toBe('11')
    expect(book.before(0)?.start).toBe(-minute)
  })

  it('that holds nothing new changes nothing', () => {
    expect(started().history([bar(1)]).kind).toBe('none')
  })
})

// Goal: whatever is repeated or lost on the way, a client that asks again at each gap ends with the server's candles.
// Method: a random series of updates; each is delivered, repeated or lost; a gap is answered with a replay from `q`.
it('ends with the candles of the server, whatever is lost or repeated', () => {
  const step = fc.record({ index: fc.nat(8), close: fc.nat(99), fate: fc.constantFrom('arrives', 'twice', 'lost') })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const book = createCandleBook()
      book.snapshot(snapshot(place(1, 0), [bar(0)]))
      const sent = steps.map(({ index, close }, i) => update(i + 1, bar(index, { close: String(close) })))
      const replay = () => {
        for (const one of sent.slice(book.position()?.q)) book.update(one)
      }
      steps.forEach(({ fate }, i) => {
        const one = sent[i]
        if (one === undefined || fate === 'lost') return
        if (book.update(one).kind === 'gap')
          for (const again of sent.slice(book.position()?.q, i + 1)) book.update(again)
        if (fate === 'twice') expect(book.update(one).kind).toBe('none')
      })
      replay()
      const truth = new Map<number, string>([[0, '11']])
      for (const { bar: one } of sent) truth.set(one.start, one.close)
      expect(new Map(book.bars().map((one) => [one.start, one.close]))).toEqual(truth)
      expect(starts(book.bars())).toEqual([...truth.keys()].map((start) => start / minute).sort((a, b) => a - b))
    }),
    { numRuns: 200 },
  )
})
