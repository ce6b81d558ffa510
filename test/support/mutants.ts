/** Copies of the protocol's source from which a wall was taken, as modules that a test can attack. */

import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Client } from './secure-round.ts'

/** One change of a source file of `protocol`. */
export interface Edit {
  /** As seen from `protocol/secagg`. */
  readonly file: string
  /** Stands exactly once in the file. */
  readonly text: string
  readonly without: string
}

export interface Workshop {
  /** The site's side out of a copy of `protocol/` with these changes. @throws where a text does not stand once in its file. */
  clientWith(...edits: readonly Edit[]): Promise<Client>
  /** Any module of such a copy, by its path in `protocol/`. */
  load<Module>(path: string, ...edits: readonly Edit[]): Promise<Module>
  close(): Promise<void>
}

export async function openWorkshop(): Promise<Workshop> {
  const root = await mkdtemp(join(tmpdir(), 'concordat-mutants-'))
  await symlink(resolve('node_modules'), join(root, 'node_modules'), 'dir')
  let copies = 0
  const load: Workshop['load'] = async (path, ...edits) => {
    const folder = join(root, `copy-${copies++}`, 'protocol')
    await cp('protocol', folder, { recursive: true, filter: (source) => !source.endsWith('tsconfig.json') })
    for (const edit of edits) await change(join(folder, 'secagg', edit.file), edit)
    return import(join(folder, path))
  }
  return {
    load,
    clientWith: (...edits) => load('secagg/client.ts', ...edits),
    close: () => rm(root, { recursive: true, force: true }),
  }
}

async function change(path: string, { file, text, without }: Edit): Promise<void> {
  const source = await readFile(path, 'utf8')
  const found = source.split(text).length - 1
  if (found !== 1) throw new Error(`"${text}" stands ${found} times in ${file}, expected once`)
  await writeFile(
    path,
    source.replace(text, () => without),
  )
}
