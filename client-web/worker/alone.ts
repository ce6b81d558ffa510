/** One worker a browser: two tabs with one key would answer one round twice, and each spend what the other does not know of. */

/** Settles once no other tab is this site; `waiting` is told where one is. Held until this worker ends. */
export const alone = (waiting: () => void): Promise<void> =>
  new Promise((begin, fail) => {
    const hold = (): Promise<never> => {
      begin()
      return new Promise(() => {})
    }
    const wait = async (): Promise<void> => {
      waiting()
      await navigator.locks.request(name, hold)
    }
    navigator.locks
      .request(name, { ifAvailable: true }, (lock) => (lock === null ? undefined : hold()))
      .then(wait, fail)
  })

const name = 'concordat-site'
