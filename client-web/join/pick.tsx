/** What a person picks from their own disk: a file, or a folder with its files by their paths in it. */

import type { Picked } from '../worker/page-state.ts'

export interface PickProps {
  readonly label: string
  readonly folder?: boolean
  readonly testId?: string
  readonly onPick: (picked: Picked) => void
}

const tables = '.csv,.tsv,.txt,.data,.gz,.parquet,.pq,text/csv'

export function Pick({ label, folder = false, testId, onPick }: PickProps) {
  const pick = (event: Event): void => {
    const input = event.currentTarget
    const picked = input instanceof HTMLInputElement ? pickedFrom([...(input.files ?? [])]) : undefined
    if (picked !== undefined) onPick(picked)
  }
  return (
    <label class="pick">
      <span>{label}</span>
      <input
        type="file"
        {...(folder ? { webkitdirectory: true } : { accept: tables })}
        data-testid={testId}
        onChange={pick}
      />
    </label>
  )
}

function pickedFrom(files: readonly File[]): Picked | undefined {
  const [first] = files
  if (first === undefined) return undefined
  const folder = first.webkitRelativePath.split('/')[0]
  const pathOf = ({ webkitRelativePath, name }: File): string =>
    folder === '' ? name : webkitRelativePath.slice(folder.length + 1)
  return { name: folder || first.name, files: files.map((file) => ({ path: pathOf(file), file })) }
}
