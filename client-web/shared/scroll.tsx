/** What may be wider than the page, or `tall`: it scrolls by itself, by keyboard too. */

import type { ComponentChildren } from 'preact'

export interface ScrollProps {
  readonly name: string
  readonly tall?: boolean
  readonly children: ComponentChildren
}

export function Scroll({ name, tall = false, children }: ScrollProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard (WCAG 2.1.1)
    <section class={tall ? 'scroll tall' : 'scroll'} tabIndex={0} aria-label={name}>
      {children}
    </section>
  )
}
