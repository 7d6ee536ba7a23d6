import { element } from './element.ts'

type Theme = 'dark' | 'light'

const key = 'redwick.theme'

/** Follows the system until someone chooses; a choice is remembered. Calls `onChange` when colours change. */
export function startTheme(onChange: () => void): void {
  const button = element('theme', HTMLButtonElement)
  const systemIsLight = matchMedia('(prefers-color-scheme: light)')
  const chosen = (): Theme | undefined => {
    const stored = remembered()
    return stored === 'dark' || stored === 'light' ? stored : undefined
  }
  let theme = apply(chosen())

  function apply(choice: Theme | undefined): Theme {
    const next = choice ?? (systemIsLight.matches ? 'light' : 'dark')
    document.documentElement.dataset['theme'] = next
    button.setAttribute('aria-label', `Switch to the ${next === 'dark' ? 'light' : 'dark'} theme`)
    return next
  }

  button.addEventListener('click', () => {
    theme = apply(theme === 'dark' ? 'light' : 'dark')
    remember(theme)
    onChange()
  })
  systemIsLight.addEventListener('change', () => {
    theme = apply(chosen())
    onChange()
  })
}

// Storage may be refused (private windows, policies): the page works without.
function remembered(): string | null {
  try {
    return localStorage.getItem(key)
  } catch {
    return null
  }
}

function remember(theme: Theme): void {
  try {
    localStorage.setItem(key, theme)
  } catch {}
}
