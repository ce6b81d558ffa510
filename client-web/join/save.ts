/** Saves to a file where the person wants it; it goes nowhere else. */

export const save = (name: string, value: unknown): void =>
  saveText(name, `${JSON.stringify(value, null, 2)}\n`, 'application/json')

export function saveText(name: string, text: string, type = 'text/csv'): void {
  const url = URL.createObjectURL(new Blob([text], { type }))
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  URL.revokeObjectURL(url)
}
