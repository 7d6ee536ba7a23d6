/** The element `id` of the page, of the kind that is expected there. */
export function element<E extends HTMLElement>(id: string, kind: new () => E): E {
  const found = document.getElementById(id)
  if (!(found instanceof kind)) throw new Error(`#${id} is a ${kind.name}`)
  return found
}

/** Sets a text where it differs: the page is not touched for nothing. */
export function setText(target: HTMLElement, text: string): void {
  if (target.textContent !== text) target.textContent = text
}

/** Marks a rise or a fall by colour; neither for 0. */
export function setDirection(target: HTMLElement, change: number): void {
  target.classList.toggle('up', change > 0)
  target.classList.toggle('down', change < 0)
}
