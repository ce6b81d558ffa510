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

/** The build writes the worker's scripts in place of this name. */
declare const CONCORDAT_SCRIPTS: import('./shared/verified.ts').Scripts

/** Put before the worker's first line by the page that starts it; `name` is the worker's own script. */
declare var concordatGiven: import('./shared/verified.ts').Given & { readonly name: string }

declare var concordatImport: (script: string) => Promise<unknown>
