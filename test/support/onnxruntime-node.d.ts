/** The package ships no types of its own; it gives what `onnxruntime-common` declares. */
declare module 'onnxruntime-node' {
  export { InferenceSession, Tensor } from 'onnxruntime-common'
}
