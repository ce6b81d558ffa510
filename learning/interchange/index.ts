/** The menu of foreign model formats. */

import type { ModelFormat } from './format.ts'
import { onnx } from './onnx.ts'
import { safetensors } from './safetensors.ts'
import { tfjs } from './tfjs-layers.ts'

export const formats: Readonly<Record<string, ModelFormat>> = { onnx, tfjs, safetensors }
