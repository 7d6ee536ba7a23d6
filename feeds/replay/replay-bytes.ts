import { type FileHandle, open } from 'node:fs/promises'
import { setImmediate } from 'node:timers/promises'
import { createGunzip } from 'node:zlib'
import { exitCodes, FatalError, messageOf } from '../../schemas/errors.ts'

const plainChunkBytes = 256 * 1024
/** Deflate grows data 1,032 times at most, so one chunk makes 33 MB at worst. */
const gzipChunkBytes = 32 * 1024

/** @returns The error that ends a replay whose file cannot be read (on). */
export function replayUnreadable(file: string, cause: unknown, why = messageOf(cause)): FatalError {
  return new FatalError({
    code: 'REPLAY_UNREADABLE',
    message: `Replay file ${file} cannot be read`,
    why,
    hint: 'Give a CSV of trades or a raw capture, plain or gzip; `gzip -t FILE` tells whether an archive is whole',
    exitCode: exitCodes.dependency,
    cause,
  })
}

/**
 * The bytes of a file, unpacked where it begins like gzip. Everything before a truncation is yielded before it throws.
 *
 * @throws {FatalError} `REPLAY_UNREADABLE`.
 */
export async function* replayBytes(file: string): AsyncGenerator<Buffer, void, undefined> {
  let handle: FileHandle
  try {
    handle = await open(file, 'r')
  } catch (error) {
    throw replayUnreadable(file, error)
  }
  try {
    const magic = await handle.read(Buffer.alloc(2), 0, 2, 0)
    const packed = magic.bytesRead === 2 && magic.buffer.readUInt16BE(0) === 0x1f8b
    yield* packed ? unpacked(chunks(handle, gzipChunkBytes)) : chunks(handle, plainChunkBytes)
  } catch (error) {
    throw error instanceof FatalError ? error : replayUnreadable(file, error)
  } finally {
    await handle.close()
  }
}

async function* chunks(handle: FileHandle, bytes: number): AsyncGenerator<Buffer, void, undefined> {
  for (let position = 0; ; ) {
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(bytes), 0, bytes, position)
    if (bytesRead === 0) return
    position += bytesRead
    yield buffer.subarray(0, bytesRead)
  }
}

/** Drives the stream by hand: an async iterator over it drops what it had unpacked when the end is missing. */
async function* unpacked(source: AsyncGenerator<Buffer, void, undefined>): AsyncGenerator<Buffer, void, undefined> {
  const gunzip = createGunzip()
  let ready: Buffer[] = []
  let failure: Error | undefined
  let ended = false
  gunzip.on('data', (data: Buffer) => ready.push(data))
  gunzip.on('end', () => {
    ended = true
  })
  const failed = new Promise<void>((resolve) => {
    gunzip.on('error', (error: Error) => {
      failure = error
      resolve()
    })
  })
  const take = () => {
    const taken = ready
    ready = []
    return taken
  }
  try {
    for await (const chunk of source) {
      await Promise.race([failed, new Promise<void>((resolve) => gunzip.write(chunk, () => resolve()))])
      while (failure === undefined && gunzip.readableLength > 0) await setImmediate()
      yield* take()
      if (failure !== undefined) throw failure
    }
    gunzip.end()
    while (!ended && failure === undefined) await setImmediate()
    yield* take()
    if (failure !== undefined) throw failure
  } finally {
    gunzip.destroy()
  }
}
