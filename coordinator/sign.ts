/** `concordat sign PLAN`: puts an author's name and signature into a plan file, for sites whose policy asks for them. */

import { readFile, writeFile } from 'node:fs/promises'
import { Command } from 'commander'
import { parseDocument } from 'yaml'
import { planMenus } from '../learning/computation.ts'
import { toHex } from '../protocol/bytes.ts'
import { openKeyFile } from '../protocol/crypto/node/key-file.ts'
import { nodeProvider } from '../protocol/crypto/node/provider.ts'
import { InputError } from '../protocol/errors.ts'
import { authorBytes, parsePlanFile } from '../protocol/plan.ts'

interface Options {
  readonly name: string
  readonly key: string
  readonly json?: true
}

export function signCommand(): Command {
  return new Command('sign')
    .description('Sign a plan file as its author; a changed plan has to be signed anew')
    .argument('<plan>', 'plan file (YAML or JSON); the key "author" is written into it')
    .requiredOption('--name <name>', "the author's name, as people know it")
    .option('--key <file>', "the author's key; made with mode 0600 if it does not exist", 'author.key')
    .option('--json', 'one JSON object')
    .action(run)
}

async function run(path: string, { name, key, json }: Options): Promise<void> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new InputError('ERR_PLAN_FILE', error instanceof Error ? error.message : String(error), path)
  })
  const { plan } = parsePlanFile(text, planMenus)
  const { seed } = await openKeyFile(key)
  const identity = toHex(await nodeProvider.ed25519PublicKey(seed))
  const signature = toHex(await nodeProvider.ed25519Sign(seed, authorBytes(plan)))
  const document = parseDocument(text)
  document.set('author', { name, identity, signature })
  await writeFile(path, document.toString({ lineWidth: 0 }))
  if (json) console.log(JSON.stringify({ name, identity, signature }))
  else console.log(`signed ${path} as ${name}; sites list the key ${identity} under "authors"`)
}
