import type { SymbolEntry } from './api.ts'
import { element, setDirection, setText } from './element.ts'
import { fractionDigits, groupedDecimal, percentText } from './format.ts'

/** The candle of a symbol's UTC day. */
export interface ListQuote {
  /** Epoch ms. */
  readonly start: number
  readonly open: string
  readonly close: string
}

/** Rows that are drawn at most; a search narrows further. */
export const rowsMax = 300

/** The list of symbols with its search: a combobox whose list is always in sight. */
export function createSymbolList(onChoose: (symbol: string) => void) {
  const search = element('symbol-search', HTMLInputElement)
  const listBox = element('symbol-list', HTMLElement)
  const empty = element('symbol-empty', HTMLElement)
  const count = element('symbol-count', HTMLElement)
  let entries: readonly SymbolEntry[] = []
  let quotes: ReadonlyMap<string, ListQuote> = new Map()
  let selected = ''
  let selectedClose: string | undefined
  let active = ''
  let shown: readonly string[] = []

  function render(): void {
    const wanted = search.value.trim().toUpperCase()
    const matching = entries.filter((entry) => entry.symbol.toUpperCase().includes(wanted))
    shown = matching.slice(0, rowsMax).map((entry) => entry.symbol)
    if (!shown.includes(active)) active = ''
    setText(
      count,
      entries.length === 0
        ? ''
        : `(${matching.length === entries.length ? '' : `${matching.length} of `}${entries.length})`,
    )
    empty.hidden = shown.length > 0 || entries.length === 0
    while (listBox.children.length > shown.length) listBox.lastElementChild?.remove()
    for (const [index, symbol] of shown.entries()) drawRow(rowAt(index), symbol)
    const row = active === '' ? undefined : listBox.children[shown.indexOf(active)]
    if (row === undefined) search.removeAttribute('aria-activedescendant')
    else search.setAttribute('aria-activedescendant', row.id)
  }

  function rowAt(index: number): HTMLElement {
    const known = listBox.children[index]
    if (known instanceof HTMLElement) return known
    const row = document.createElement('div')
    row.id = `symbol-${index}`
    row.setAttribute('role', 'option')
    row.append(...['span', 'span', 'span'].map((name) => document.createElement(name)))
    listBox.append(row)
    return row
  }

  function drawRow(row: HTMLElement, symbol: string): void {
    const [name, price, change] = row.querySelectorAll('span')
    const quote = quoteOf(symbol)
    row.dataset['symbol'] = symbol
    row.setAttribute('aria-selected', String(symbol === selected))
    row.classList.toggle('active', symbol === active)
    if (name === undefined || price === undefined || change === undefined) return
    setText(name, symbol)
    setText(
      price,
      quote === undefined
        ? ''
        : groupedDecimal(quote.close, Math.max(fractionDigits(quote.open), fractionDigits(quote.close))),
    )
    setText(change, quote === undefined ? '' : percentText(Number(quote.open), Number(quote.close)))
    setDirection(change, quote === undefined ? 0 : Number(quote.close) - Number(quote.open))
  }

  /** What is on screen is newer than what was asked for. */
  function quoteOf(symbol: string): ListQuote | undefined {
    const quote = quotes.get(symbol)
    if (quote === undefined || symbol !== selected || selectedClose === undefined) return quote
    return { ...quote, close: selectedClose }
  }

  function move(by: number): void {
    const from = shown.indexOf(active === '' ? selected : active)
    active = shown[Math.min(shown.length - 1, Math.max(0, from + by))] ?? ''
    render()
    listBox.children[shown.indexOf(active)]?.scrollIntoView({ block: 'nearest' })
  }

  function choose(symbol: string | undefined): void {
    if (symbol === undefined || symbol === '') return
    search.value = ''
    active = ''
    render()
    onChoose(symbol)
  }

  search.addEventListener('input', () => {
    render()
    active = shown[0] ?? ''
    render()
  })
  search.addEventListener('keydown', (event) => {
    if (event.key === 'ArrowDown') move(1)
    else if (event.key === 'ArrowUp') move(-1)
    else if (event.key === 'Enter') choose(active)
    else return
    event.preventDefault()
  })
  listBox.addEventListener('click', (event) => {
    if (event.target instanceof Element) choose(event.target.closest<HTMLElement>('[role=option]')?.dataset['symbol'])
  })

  return {
    /** Symbols in sight, the selected one first: whose prices are worth asking for. */
    visible(): readonly string[] {
      const others = shown.filter((symbol) => symbol !== selected)
      return entries.some((entry) => entry.symbol === selected) ? [selected, ...others] : others
    },
    setEntries(next: readonly SymbolEntry[]): void {
      entries = next
      render()
    },
    setQuotes(next: ReadonlyMap<string, ListQuote>): void {
      quotes = next
      render()
    },
    select(symbol: string): void {
      selected = symbol
      selectedClose = undefined
      render()
    },
    /** Last price of the selected symbol. */
    setLast(close: string): void {
      if (close === selectedClose) return
      selectedClose = close
      const index = shown.indexOf(selected)
      if (index >= 0) drawRow(rowAt(index), selected)
    },
    focus: (): void => search.focus(),
  }
}
