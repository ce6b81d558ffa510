/** What the bundler resolves, and what TypeScript's library of the DOM lacks. */

declare module '*?worker&url' {
  const address: string
  export default address
}

declare module '*.css' {}

interface TrustedScriptURL {
  toString(): string
}

interface TrustedTypePolicyFactory {
  createPolicy(
    name: string,
    rules: { createScriptURL: (url: string) => string },
  ): { createScriptURL(url: string): string & TrustedScriptURL }
}

declare var trustedTypes: TrustedTypePolicyFactory | undefined
