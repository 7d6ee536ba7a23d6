import { zstdCompressSync } from 'node:zlib'
import kafkajs, { CompressionTypes } from 'kafkajs'
import { lz4Compress } from '../wire/lz4.ts'
import { snappyStore } from '../wire/snappy.ts'
import { codecOf, unpack } from '../wire/unpack.ts'

// A CommonJS package: Node sees only some of its exports by name.
const { CompressionCodecs } = kafkajs

interface Encoder {
  readonly buffer: Buffer
}

/** Makes the client read (and write) what other producers may have compressed; it brings gzip only. */
export function registerCodecs(): void {
  CompressionCodecs[CompressionTypes.LZ4] = () => ({
    compress: async (encoder: Encoder) => lz4Compress(encoder.buffer),
    decompress: async (buffer: Buffer) => unpack(codecOf.lz4, buffer),
  })
  CompressionCodecs[CompressionTypes.Snappy] = () => ({
    compress: async (encoder: Encoder) => snappyStore(encoder.buffer),
    decompress: async (buffer: Buffer) => unpack(codecOf.snappy, buffer),
  })
  CompressionCodecs[CompressionTypes.ZSTD] = () => ({
    compress: async (encoder: Encoder) => zstdCompressSync(encoder.buffer),
    decompress: async (buffer: Buffer) => unpack(codecOf.zstd, buffer),
  })
}
