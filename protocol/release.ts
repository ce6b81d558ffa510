/** The release of the package, as its parties tell each other. */
export const release = '0.1.0'
