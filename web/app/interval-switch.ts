import { element } from './element.ts'
import { intervals } from './route.ts'

/** The interval switch: radio buttons, so arrow keys work. */
export function createIntervalSwitch(onChoose: (interval: string) => void) {
  const box = element('intervals', HTMLFieldSetElement)
  const inputs = new Map<string, HTMLInputElement>()
  for (const name of intervals.keys()) {
    const label = document.createElement('label')
    const input = document.createElement('input')
    const text = document.createElement('span')
    input.type = 'radio'
    input.name = 'interval'
    input.value = name
    text.textContent = name
    label.append(input, text)
    box.append(label)
    inputs.set(name, input)
    input.addEventListener('change', () => onChoose(name))
  }
  return {
    select(interval: string): void {
      const input = inputs.get(interval)
      if (input !== undefined) input.checked = true
    },
  }
}
