/** The model at the end of a run: to keep, and to use on a file, here in the page. */

import type { SectionProps } from './app.tsx'
import { save, saveText } from './save.ts'

export function ModelSection({ state: { model, predictions }, words, act }: SectionProps) {
  if (model === undefined) return null
  const choose = (event: Event): void => {
    const input = event.currentTarget
    const file = input instanceof HTMLInputElement ? input.files?.[0] : undefined
    if (file !== undefined) act({ type: 'predict', file })
  }
  return (
    <section>
      <h2>{words.modelTitle}</h2>
      <div class="acts">
        <button type="button" class="main" onClick={() => save('model.json', model)}>
          {words.download}
        </button>
      </div>
      <label>
        <span>{words.predict}</span>
        <br />
        <input type="file" accept=".csv,.txt,.tsv,text/csv" data-testid="predict" onChange={choose} />
      </label>
      {predictions === undefined ? null : (
        <div class="acts">
          <span role="status">
            {predictions.trim().split('\n').length - 1} {words.rows}
          </span>
          <button type="button" onClick={() => saveText('predictions.csv', predictions)}>
            {words.predictDownload}
          </button>
        </div>
      )}
    </section>
  )
}
