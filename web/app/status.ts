import { element, setText } from './element.ts'
import type { StreamState } from './stream.ts'

/**
 * The connection, in words. A screen reader hears each change of state once: the seconds of a wait are shown,
 * not announced.
 */
export function createStatus(onRetry: () => void) {
  const box = element('connection', HTMLElement)
  const text = element('connection-text', HTMLElement)
  const retry = element('connection-retry', HTMLButtonElement)
  let state: StreamState = { kind: 'idle' }
  retry.addEventListener('click', onRetry)

  function render(now: number): void {
    box.dataset['state'] = state.kind
    retry.hidden = state.kind !== 'waiting' && state.kind !== 'stopped' && state.kind !== 'sign-in'
    setText(retry, state.kind === 'sign-in' ? 'Sign in' : 'Reconnect')
    setText(text, words(state, now))
  }

  return {
    set(next: StreamState): void {
      state = next
      box.setAttribute('aria-live', 'polite')
      render(Date.now())
    },
    tick(now: number): void {
      if (state.kind !== 'waiting') return
      box.setAttribute('aria-live', 'off')
      render(now)
    },
  }
}

function words(state: StreamState, now: number): string {
  switch (state.kind) {
    case 'idle':
      return 'Not connected'
    case 'connecting':
      return 'Connecting'
    case 'live':
      return 'Live'
    case 'live-only':
      return 'Live only, no snapshot'
    case 'waiting':
      return `${capital(state.reason)}; reconnecting in ${Math.max(0, Math.ceil((state.untilMs - now) / 1000))} s`
    case 'stopped':
      return capital(state.reason)
    case 'sign-in':
      return 'Signed out'
  }
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
