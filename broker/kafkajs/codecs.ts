import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { CompressionCodecs, CompressionTypes } from 'kafkajs'
import { compressFrameSync, decompressFrameSync } from 'lz4-napi'

interface Encoder {
  readonly buffer: Buffer
}

/** Makes the client read (and write) what other producers may have compressed; it brings gzip only. */
export function registerCodecs(): void {
  CompressionCodecs[CompressionTypes.LZ4] = () => ({
    compress: async (encoder: Encoder) => compressFrameSync(encoder.buffer),
    decompress: async (buffer: Buffer) => decompressFrameSync(buffer),
  })
  CompressionCodecs[CompressionTypes.ZSTD] = () => ({
    compress: async (encoder: Encoder) => zstdCompressSync(encoder.buffer),
    decompress: async (buffer: Buffer) => zstdDecompressSync(buffer),
  })
}
