import { element } from './element.ts'

/** Opens and closes the list of symbols where it lies over the chart; beside the chart it is always open. */
export function createMarketsPanel(focusSearch: () => void) {
  const toggle = element('markets-toggle', HTMLButtonElement)
  const panel = element('markets', HTMLElement)
  const search = element('symbol-search', HTMLInputElement)

  const isShown = () => panel.classList.contains('shown')

  function show(shown: boolean): void {
    panel.classList.toggle('shown', shown)
    toggle.setAttribute('aria-expanded', String(shown))
    if (shown) focusSearch()
  }

  function close(): void {
    if (!isShown()) return
    show(false)
    toggle.focus()
  }

  toggle.addEventListener('click', () => show(!isShown()))
  panel.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape') return
    if (search.value === '') close()
    else {
      search.value = ''
      search.dispatchEvent(new Event('input'))
    }
    event.preventDefault()
  })
  document.addEventListener('pointerdown', (event) => {
    const target = event.target
    if (isShown() && target instanceof Node && !panel.contains(target) && !toggle.contains(target)) show(false)
  })
  document.addEventListener('keydown', (event) => {
    if (event.key !== '/' || event.target instanceof HTMLInputElement) return
    event.preventDefault()
    show(true)
  })

  return { close }
}
