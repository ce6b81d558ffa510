/** The languages of the pages, and which one a browser is shown first. */

export const languageNames = { en: 'English', zh: '中文' } as const

export type Language = keyof typeof languageNames

/** The browser's language where we have it. */
export const usualLanguage = (preferred: readonly string[]): Language =>
  preferred
    .find((tag) => /^(en|zh)\b/i.test(tag))
    ?.toLowerCase()
    .startsWith('zh')
    ? 'zh'
    : 'en'
