import { afterAll, beforeAll, expect, test } from 'vitest'
import { type OpenPage, openPage } from '../../../bench/chromium.ts'
import { cryptoProviderContract } from '../../contracts/crypto-provider.ts'
import { remoteProvider } from '../../support/remote-provider.ts'

let opened: OpenPage | undefined

const page = () => {
  if (opened === undefined) throw new Error('no page is open')
  return opened.page
}

beforeAll(async () => {
  opened = await openPage('test/support/pages/crypto.ts')
})
afterAll(() => opened?.close())

test('a page on localhost has WebCrypto', async () => {
  expect(await page().evaluate('[typeof crypto.subtle, navigator.userAgent]')).toEqual([
    'object',
    expect.stringContaining('HeadlessChrome/'),
  ])
})

cryptoProviderContract('WebCrypto in Chromium', remoteProvider(page, 'web'))
cryptoProviderContract('the pure provider in Chromium', remoteProvider(page, 'pure'))
