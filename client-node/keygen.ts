/** `concordat keygen`: makes a site's identity key where it will be used, and prints the public half for the roster. */

import { Command } from 'commander'
import { toHex } from '../protocol/bytes.ts'
import { openKeyFile } from '../protocol/crypto/node/key-file.ts'
import { nodeProvider } from '../protocol/crypto/node/provider.ts'

export function keygenCommand(): Command {
  return new Command('keygen')
    .description("Make this site's identity key and print its public half for the roster")
    .requiredOption('--name <name>', "the site's name in the roster")
    .option('--key <file>', 'key file; made with mode 0600 if it does not exist', 'concordat-site/identity.key')
    .option('--json', 'one JSON object')
    .action(async ({ name, key, json }: { readonly name: string; readonly key: string; readonly json?: true }) => {
      const { seed, created } = await openKeyFile(key)
      const identity = toHex(await nodeProvider.ed25519PublicKey(seed))
      if (json) console.log(JSON.stringify({ name, identity }))
      else {
        console.log(`${created ? 'made' : 'found'} ${key}; send this line to the operator for roster.json:`)
        console.log(`  ${JSON.stringify({ name, identity })}`)
      }
    })
}
