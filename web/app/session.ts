import { element, setText } from './element.ts'

const key = 'redwick.token'
const usual = 'This server asks for an access token. It is kept for this tab only.'

/** The access token: asked for in a small form, kept in the tab's session storage, never in the address. */
export function createSession(onToken: () => void) {
  const dialog = element('sign-in', HTMLDialogElement)
  const form = element('sign-in-form', HTMLFormElement)
  const input = element('sign-in-token', HTMLInputElement)
  const reason = element('sign-in-reason', HTMLElement)
  let token = sessionStorage.getItem(key) ?? undefined

  form.addEventListener('submit', () => {
    token = input.value.trim()
    sessionStorage.setItem(key, token)
    input.value = ''
    onToken()
  })

  return {
    token: (): string | undefined => token,
    /** Opens the form; a token that was refused is forgotten. */
    ask(why: string): void {
      const text = why === '' && token !== undefined ? 'The token was refused.' : why
      token = undefined
      sessionStorage.removeItem(key)
      if (dialog.open && text === '') return
      setText(reason, text === '' ? usual : `${text} ${usual}`)
      if (!dialog.open) dialog.showModal()
    },
  }
}
