/** The model on one case: a field a column of the plan, and the answer in words. */

import { useState } from 'preact/hooks'
import { filled, type Words } from '../shared/words.ts'
import type { Forecast, FormField, FormView } from '../worker/page-state.ts'
import type { SectionProps } from './app.tsx'
import { percent, short } from './numbers.ts'

type Values = Readonly<Record<string, string | File>>

export interface ForecastProps extends SectionProps {
  readonly form: FormView
}

export function ForecastForm({ form, state: { forecast }, words, act }: ForecastProps) {
  const [values, setValues] = useState<Values>({})
  const submit = (event: Event): void => {
    event.preventDefault()
    act({ type: 'forecast', values })
  }
  const set = (name: string, value: string | File): void => setValues({ ...values, [name]: value })
  return (
    <form onSubmit={submit}>
      <h3>{words.formTitle}</h3>
      <p class="quiet">{words.formMeans}</p>
      <div class="fields">
        {form.fields.map((field) => (
          <Field key={field.name} field={field} words={words} set={set} />
        ))}
      </div>
      <div class="acts">
        <button type="submit" class="main">
          {words.formAsk}
        </button>
      </div>
      <div role="status">{forecast === undefined ? null : <Answer {...{ forecast, form, words }} />}</div>
    </form>
  )
}

interface FieldProps {
  readonly field: FormField
  readonly words: Words
  readonly set: (name: string, value: string | File) => void
}

function Field({ field, words, set }: FieldProps) {
  const { name } = field
  const take = ({ currentTarget }: Event): void => {
    if (currentTarget instanceof HTMLSelectElement) set(name, currentTarget.value)
    else if (currentTarget instanceof HTMLInputElement) set(name, currentTarget.files?.[0] ?? currentTarget.value)
  }
  if (field.kind === 'image')
    return (
      <label>
        <span>{name}</span>
        <input type="file" accept=".png,.jpg,.jpeg" required onChange={take} />
      </label>
    )
  if (field.kind === 'category')
    return (
      <label>
        <span>{name}</span>
        <select onChange={take}>
          <option value="">{words.notKnown}</option>
          {field.codes.map((code) => (
            <option key={code} value={code}>
              {code}
            </option>
          ))}
        </select>
      </label>
    )
  const { unit, range, integer } = field
  const [min, max] = range
  return (
    <label>
      <span>
        {name}
        {unit === undefined ? null : <span class="quiet"> ({unit})</span>}
      </span>
      <input
        type="number"
        min={min}
        max={max}
        step={integer ? 1 : 'any'}
        placeholder={`${min} – ${max}`}
        onInput={take}
      />
    </label>
  )
}

interface AnswerProps {
  readonly forecast: Forecast
  readonly form: FormView
  readonly words: Words
}

function Answer({ forecast, form: { label }, words }: AnswerProps) {
  if (forecast.kind === 'number')
    return (
      <p class="answer">
        {label}: <strong>{short(forecast.value)}</strong> {forecast.unit ?? ''}
      </p>
    )
  const [most] = [...forecast.shares].sort((a, b) => b.share - a.share)
  return (
    <>
      <p class="answer">{filled(words.formAnswer, { label, code: most.code, share: percent(most.share) })}</p>
      <ul class="shares">
        {forecast.shares.map(({ code, share }) => (
          <li key={code}>
            <span>{code}</span>
            <svg class="bar" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
              <rect class="limit" width="100" height="4" />
              <rect class="spent" width={100 * share} height="4" />
            </svg>
            <span>{percent(share)}</span>
          </li>
        ))}
      </ul>
      <p class="quiet small">{words.formCaution}</p>
    </>
  )
}
