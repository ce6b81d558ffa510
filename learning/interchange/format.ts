/** A foreign format of models: what a file of it holds, and how one becomes a model file again. */

import type { ModelFile } from '../algorithms/model-file.ts'

export interface ModelPart {
  readonly name: string
  readonly bytes: Uint8Array
}

export interface ModelFormat {
  /** The file, or several, the first of which names the others. `stem` is the name without its ending. @throws InputError ERR_EXPORT */
  write(model: ModelFile, stem: string): readonly [ModelPart, ...ModelPart[]]
  /** Takes what `write` gave, its numbers perhaps changed since; `part` gives the other files. @throws InputError ERR_MODEL_FILE */
  read(main: Uint8Array, part: (name: string) => Promise<Uint8Array>): Promise<ModelFile>
}
