/** A copy with room for at least `size` (at least doubled), new places filled. */
export function growFloat64(from: Float64Array<ArrayBuffer>, size: number, fill = 0): Float64Array<ArrayBuffer> {
  const to = new Float64Array(Math.max(from.length * 2, size, 16)).fill(fill, from.length)
  to.set(from)
  return to
}

/** A copy with room for at least `size` (at least doubled), new places filled. */
export function growInt32(from: Int32Array<ArrayBuffer>, size: number, fill = 0): Int32Array<ArrayBuffer> {
  const to = new Int32Array(Math.max(from.length * 2, size, 16)).fill(fill, from.length)
  to.set(from)
  return to
}

/** A copy with room for at least `size` (at least doubled), new places filled. */
export function growUint8(from: Uint8Array<ArrayBuffer>, size: number, fill = 0): Uint8Array<ArrayBuffer> {
  const to = new Uint8Array(Math.max(from.length * 2, size, 16)).fill(fill, from.length)
  to.set(from)
  return to
}
