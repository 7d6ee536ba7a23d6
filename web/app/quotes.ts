import type { Answer, Api, SymbolEntry } from './api.ts'
import type { ListQuote } from './symbol-list.ts'

const symbolsEveryMs = 10_000
/** Before there is a symbol: a fresh start has its first within a second or two. */
const firstSymbolsEveryMs = 500
const quotesEveryMs = 10_000
/** Waits after a failure double up to this. */
const pauseMaxMs = 120_000
/** Symbols whose prices are asked for at once. */
const quotedMax = 50

export interface QuoteOptions {
  readonly api: Api
  readonly visible: () => readonly string[]
  readonly onSymbols: (entries: readonly SymbolEntry[]) => void
  readonly onQuotes: (quotes: ReadonlyMap<string, ListQuote>) => void
  readonly onUnauthorised: () => void
}

/** Refreshes the symbols and the day's prices while the page is in sight; slower while the server refuses. */
export function createQuotes(options: QuoteOptions) {
  const { api } = options
  const quotes = new Map<string, ListQuote>()
  const refreshSymbols = repeated(symbolsEveryMs, async () => {
    const answer = await api.symbols()
    if (answer.ok) options.onSymbols(answer.value)
    const isFine = judged(answer)
    return isFine && answer.ok && answer.value.length === 0 ? 'soon' : isFine
  })
  const refreshQuotes = repeated(quotesEveryMs, async () => {
    const symbols = options.visible().slice(0, quotedMax)
    if (symbols.length === 0) return true
    const answer = await api.latest(symbols, '1d')
    if (answer.ok) for (const quote of answer.value) quotes.set(quote.symbol, quote)
    options.onQuotes(quotes)
    return judged(answer)
  })

  function judged(answer: Answer<unknown>): boolean {
    if (!answer.ok && answer.status === 401) options.onUnauthorised()
    return answer.ok
  }

  return {
    of: (symbol: string): ListQuote | undefined => quotes.get(symbol),
    refreshSymbols,
    refreshQuotes,
  }
}

/** Runs `task` every `everyMs`, and at once when called; a failure (false) doubles the pause, starting at 2 s. */
function repeated(everyMs: number, task: () => Promise<boolean | 'soon'>): () => Promise<void> {
  let timer = 0
  let failures = 0
  let busy = false
  return async function run(): Promise<void> {
    clearTimeout(timer)
    if (busy) return
    busy = true
    const fine = document.hidden || (await task())
    busy = false
    failures = fine === false ? failures + 1 : 0
    timer = setTimeout(
      () => void run(),
      fine === false
        ? Math.min(pauseMaxMs, 1000 * 2 ** Math.min(failures, 7))
        : fine === 'soon'
          ? firstSymbolsEveryMs
          : everyMs,
    )
  }
}
