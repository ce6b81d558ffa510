/** The model at the end of a run: to keep, and to use in the page, on a form or on a file. */

import { filled } from '../shared/words.ts'
import type { Picked } from '../worker/page-state.ts'
import type { SectionProps } from './app.tsx'
import { ForecastForm } from './forecast-form.tsx'
import { Pick } from './pick.tsx'
import { save } from './save.ts'
import { Section } from './section.tsx'

export function ModelSection(props: SectionProps) {
  const { state, words, act } = props
  const { result, predictions } = state
  if (result === undefined) return null
  const { file, form } = result
  const predict = (picked: Picked): void => act({ type: 'predict', picked })
  return (
    <Section title={form === undefined ? words.resultTitle : words.modelTitle}>
      <div class="acts">
        <button
          type="button"
          class="main"
          onClick={() => save(form === undefined ? 'result.json' : 'model.json', file)}
        >
          {form === undefined ? words.downloadResult : words.download}
        </button>
      </div>
      {form === undefined ? null : (
        <>
          <ForecastForm {...props} form={form} />
          <h3>{words.predictTitle}</h3>
          <p class="quiet">{words.predictMeans}</p>
          <div class="picks">
            <Pick label={words.predict} testId="predict" onPick={predict} />
            {form.fields.some(({ kind }) => kind === 'image') ? (
              <Pick label={words.chooseFolder} folder testId="predict-folder" onPick={predict} />
            ) : null}
          </div>
          {predictions === undefined ? null : (
            <div class="acts">
              <span role="status" class="grow">
                {filled(words.predicted, { rows: String(predictions.rows) })}
              </span>
              <button type="button" onClick={() => save('predictions.csv', predictions.file)}>
                {words.predictDownload}
              </button>
            </div>
          )}
        </>
      )}
    </Section>
  )
}
