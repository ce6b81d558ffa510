/** What is in the way, with its code: shown on every page in the same manner. */

export interface FaultProps {
  readonly fault: { readonly code: string; readonly reason: string } | undefined
  /** The heading, in the reader's language. */
  readonly title: string
}

export function Fault({ fault, title }: FaultProps) {
  if (fault === undefined) return null
  return (
    <section class="fault" role="alert">
      <h2>{title}</h2>
      <p>
        <strong>{fault.code}</strong> {fault.reason}
      </p>
    </section>
  )
}
