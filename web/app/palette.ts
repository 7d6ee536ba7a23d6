/** Colours of the chart, read from the style sheet so that there is one palette. */
export interface Palette {
  readonly background: string
  readonly text: string
  readonly line: string
  readonly grid: string
  readonly up: string
  readonly down: string
}

/** The colours of the theme in force. */
export function paletteOf(root: HTMLElement): Palette {
  const probe = document.createElement('span')
  root.append(probe)
  const colour = (name: string) => {
    probe.style.color = `var(--${name})`
    return getComputedStyle(probe).color
  }
  const palette = {
    background: colour('bg'),
    text: colour('muted'),
    line: colour('line'),
    grid: colour('grid'),
    up: colour('up'),
    down: colour('down'),
  }
  probe.remove()
  return palette
}

/** `rgb(1, 2, 3)` with an alpha in `[0, 1]`. */
export function faded(rgb: string, alpha: number): string {
  return rgb.replace(/^rgb\((.*)\)$/, `rgba($1, ${alpha})`)
}
