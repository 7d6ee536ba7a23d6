import { createApi, type SymbolEntry } from './api.ts'
import { element, setText } from './element.ts'
import { createIntervalSwitch } from './interval-switch.ts'
import { createMarketsPanel } from './markets-panel.ts'
import { createQuotes } from './quotes.ts'
import { hashOfView, type View, viewOfHash } from './route.ts'
import { createScreen } from './screen.ts'
import { createSession } from './session.ts'
import { createStatus } from './status.ts'
import { createStream } from './stream.ts'
import { createSymbolList } from './symbol-list.ts'
import { startTheme } from './theme.ts'

/** Shown first where the address names nothing. */
const preferred = ['BTC-USDT', 'BTC-USD']

const firsts = new Map<string, number | undefined>()
let view: View | undefined

const session = createSession(() => {
  void quotes.refreshSymbols()
  void quotes.refreshQuotes()
  stream.connect()
})
const api = createApi(session.token)
const list = createSymbolList((symbol) => {
  panel.close()
  go({ symbol, interval: view?.interval ?? '1m' })
})
const panel = createMarketsPanel(list.focus)
const switcher = createIntervalSwitch((interval) => {
  if (view !== undefined) go({ symbol: view.symbol, interval })
})
const quotes = createQuotes({
  api,
  visible: list.visible,
  onSymbols: known,
  onQuotes(next) {
    list.setQuotes(next)
    screen.schedule()
  },
  onUnauthorised: signIn,
})
const screen = createScreen({
  api,
  firstOf: (symbol) => firsts.get(symbol),
  dayOf: quotes.of,
  onUnauthorised: signIn,
})
const status = createStatus(() => {
  const { kind } = stream.state()
  if (kind === 'sign-in' || kind === 'idle') session.ask('')
  else stream.connect()
})
const stream = createStream({
  url: `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/v1/stream`,
  token: session.token,
  onState(state) {
    status.set(state)
    if (state.kind === 'sign-in') session.ask(state.reason)
  },
  onChange: screen.apply,
  onRefused: screen.say,
})

/** REST refused, maybe before there was anything to stream. */
function signIn(): void {
  session.ask('')
  if (stream.state().kind === 'idle') status.set({ kind: 'sign-in', reason: '' })
}

function go(next: View): void {
  location.hash = hashOfView(next)
}

function follow(): void {
  const next = viewOfHash(location.hash)
  if (next === undefined || (next.symbol === view?.symbol && next.interval === view.interval)) return
  view = next
  setText(element('symbol-name', HTMLElement), next.symbol)
  switcher.select(next.interval)
  list.select(next.symbol)
  screen.show(next)
  stream.select(next, screen.book())
  void quotes.refreshQuotes()
}

function known(entries: readonly SymbolEntry[]): void {
  for (const { symbol, first } of entries) firsts.set(symbol, first)
  const fresh = list.visible().length === 0
  list.setEntries(entries)
  if (view === undefined) {
    const names = entries.map((entry) => entry.symbol)
    const symbol = preferred.find((name) => names.includes(name)) ?? names[0]
    if (symbol !== undefined) go({ symbol, interval: '1m' })
  }
  if (fresh) void quotes.refreshQuotes()
}

function tick(): void {
  const now = Date.now()
  status.tick(now)
  screen.tick()
  const newest = screen.book().newest()
  if (newest !== undefined) list.setLast(newest.close)
  setText(element('clock', HTMLElement), new Date(now).toISOString().slice(11, 19))
}

function wake(): void {
  if (document.hidden) return
  if (stream.state().kind === 'waiting') stream.connect()
  void quotes.refreshSymbols()
  void quotes.refreshQuotes()
}

startTheme(screen.repaint)
addEventListener('hashchange', follow)
addEventListener('online', wake)
document.addEventListener('visibilitychange', wake)
setInterval(tick, 1000)
tick()
follow()
void quotes.refreshSymbols()
