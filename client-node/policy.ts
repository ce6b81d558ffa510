/** `concordat policy`: writes this site's policy, shows whether it is in force, and lets a person confirm it. */

import { Command } from 'commander'
import { InputError } from '../protocol/errors.ts'
import { inForce, type Policy } from '../protocol/participant/policy.ts'
import { localMoment } from './moment.ts'
import { confirmPolicy, readPolicy, writePolicy } from './policy-file.ts'

interface Options {
  readonly policy: string
  readonly json?: true
}

export function policyCommand(): Command {
  const command = new Command('policy').description("This site's policy: what its agent may take part in")
  const part = (name: string, description: string, action: (options: Options) => Promise<void>): void => {
    command
      .command(name)
      .description(description)
      .option('--policy <file>', 'the policy file', 'concordat-site/policy.yaml')
      .option('--json', 'one JSON object')
      .action(action)
  }
  part('init', 'write a policy with its defaults and an explanation of every key; leaves an existing one', init)
  part('show', 'print the policy as it is understood, and whether it is in force', show)
  part('confirm', 'confirm the policy as it stands in the file', confirm)
  return command
}

async function init({ policy: path, json }: Options): Promise<void> {
  const created = await writePolicy(path)
  if (json) console.log(JSON.stringify({ policy: path, created }))
  else
    console.log(
      `${created ? 'wrote' : 'found'} ${path}; read it, change it, then: concordat policy confirm --policy ${path}`,
    )
}

async function show({ policy: path, json }: Options): Promise<void> {
  const policy = await readPolicy(path)
  const fault = faultOf(policy)
  if (json) console.log(JSON.stringify({ policy, inForce: fault === undefined }))
  else console.log(`${JSON.stringify(policy, null, 2)}\n${fault ?? 'in force'}`)
}

async function confirm({ policy: path, json }: Options): Promise<void> {
  const policy = await confirmPolicy(path)
  inForce(policy, localMoment())
  if (json) console.log(JSON.stringify({ policy, inForce: true }))
  else console.log(`confirmed ${path}: it is in force`)
}

function faultOf(policy: Policy): string | undefined {
  try {
    inForce(policy, localMoment())
    return undefined
  } catch (error) {
    if (error instanceof InputError) return `not in force: ${error.message}`
    throw error
  }
}
