/** Everything the engine calls. */

export * from './activations'
export * from './batch-norm'
export * from './images'
export * from './losses'
export * from './norms'
export * from './optimisers'
export * from './parameters'
export * from './privacy'
export * from './products'
export * from './tables'
export * from './winograd'

/** Where free memory begins: below stand the module's own tables. */
export function heapBase(): usize {
  return __heap_base
}
