/** A choice of a few, with its label. */

export interface ChoiceProps {
  readonly label: string
  readonly value: string
  /** Each with what is shown of it. */
  readonly options: readonly (readonly [value: string, shown: string])[]
  readonly choose: (value: string) => void
}

export function Choice({ label, value, options, choose }: ChoiceProps) {
  const take = ({ currentTarget }: Event): void => {
    if (currentTarget instanceof HTMLSelectElement) choose(currentTarget.value)
  }
  return (
    <label>
      <span>{label}</span>
      <select value={value} onChange={take}>
        {options.map(([each, shown]) => (
          <option key={each} value={each}>
            {shown}
          </option>
        ))}
      </select>
    </label>
  )
}
