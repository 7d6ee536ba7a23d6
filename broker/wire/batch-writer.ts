import { crc32c } from '@node-rs/crc32'
import type { OutgoingRecord } from '../../ports/broker.ts'
import { lz4Compress } from './lz4.ts'
import { attribute, batchField, batchLengthBytes, batchMagic } from './record-batch.ts'
import { codecOf } from './unpack.ts'

/** What a batch says of its producer. */
export interface BatchProducer {
  readonly producerId: bigint
  readonly epoch: number
  /** Sequence of the first record. */
  readonly sequence: number
  readonly isTransactional: boolean
}

const firstBytes = 64 * 1024

/** What no producer is: its records are neither numbered nor part of a transaction. */
export const noProducer: BatchProducer = { producerId: -1n, epoch: -1, sequence: -1, isTransactional: false }

/**
 * Writes record batches in Kafka's message format 2, one after the other into a buffer of its own.
 *
 * @see https://kafka.apache.org/documentation/#messageformat
 */
export class BatchWriter {
  #bytes = Buffer.allocUnsafeSlow(firstBytes)
  #at = batchField.records
  #count = 0

  /** Records since the last `take`. */
  get count(): number {
    return this.#count
  }

  /** Bytes of the batch so far, as it would be without compression. */
  get size(): number {
    return this.#at
  }

  add({ key, value, headers }: Pick<OutgoingRecord, 'key' | 'value' | 'headers'>): void {
    const keyLength = key === null ? -1 : typeof key === 'string' ? Buffer.byteLength(key) : key.length
    const valueLength = value === null ? -1 : value.length
    const names = headers === undefined ? [] : Object.entries(headers)
    let body =
      2 + varintBytes(this.#count) + fieldBytes(keyLength) + fieldBytes(valueLength) + varintBytes(names.length)
    for (const [name, text] of names) body += fieldBytes(Buffer.byteLength(name)) + fieldBytes(Buffer.byteLength(text))
    this.#room(varintBytes(body) + body)
    this.#varint(body)
    this.#bytes[this.#at++] = 0
    this.#bytes[this.#at++] = 0 // all of one time
    this.#varint(this.#count)
    this.#field(key, keyLength)
    this.#field(value, valueLength)
    this.#varint(names.length)
    for (const [name, text] of names) {
      this.#field(name, Buffer.byteLength(name))
      this.#field(text, Buffer.byteLength(text))
    }
    this.#count += 1
  }

  /**
   * The batch, packed with LZ4 where that makes it smaller; the next `add` begins another.
   *
   * @param time Epoch ms of all its records.
   * @returns Bytes of its own.
   */
  take(time: number, { producerId, epoch, sequence, isTransactional }: BatchProducer = noProducer): Buffer {
    const records = this.#bytes.subarray(batchField.records, this.#at)
    const packed = lz4Compress(records)
    const isPacked = packed.length < records.length
    const body = isPacked ? packed : records
    const batch = Buffer.allocUnsafeSlow(batchField.records + body.length)
    batch.writeBigInt64BE(0n, batchField.baseOffset)
    batch.writeInt32BE(batch.length - batchLengthBytes, batchField.length)
    batch.writeInt32BE(-1, batchField.leaderEpoch)
    batch.writeInt8(batchMagic, batchField.magic)
    batch.writeInt16BE(
      (isPacked ? codecOf.lz4 : codecOf.none) | (isTransactional ? attribute.transactional : 0),
      batchField.attributes,
    )
    batch.writeInt32BE(this.#count - 1, batchField.lastOffsetDelta)
    batch.writeBigInt64BE(BigInt(time), batchField.baseTimestamp)
    batch.writeBigInt64BE(BigInt(time), batchField.maxTimestamp)
    batch.writeBigInt64BE(producerId, batchField.producerId)
    batch.writeInt16BE(epoch, batchField.producerEpoch)
    batch.writeInt32BE(sequence, batchField.baseSequence)
    batch.writeInt32BE(this.#count, batchField.recordCount)
    body.copy(batch, batchField.records)
    batch.writeUInt32BE(crc32c(batch.subarray(batchField.attributes)), batchField.crc)
    this.#at = batchField.records
    this.#count = 0
    return batch
  }

  #room(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.#bytes.length, this.#at + bytes))
    this.#bytes.copy(larger, 0, 0, this.#at)
    this.#bytes = larger
  }

  #field(value: Uint8Array | string | null, length: number): void {
    this.#varint(length)
    if (value === null) return
    if (typeof value === 'string') this.#bytes.write(value, this.#at)
    else this.#bytes.set(value, this.#at)
    this.#at += length
  }

  /** Zigzag, of an integer above -2^30. */
  #varint(value: number): void {
    let bits = value < 0 ? -2 * value - 1 : 2 * value
    for (; bits > 0x7f; bits >>>= 7) this.#bytes[this.#at++] = (bits & 0x7f) | 0x80
    this.#bytes[this.#at++] = bits
  }
}

/** Of a length and as many bytes; -1 is a length without bytes. */
function fieldBytes(length: number): number {
  return varintBytes(length) + Math.max(0, length)
}

function varintBytes(value: number): number {
  const bits = value < 0 ? -2 * value - 1 : 2 * value
  return bits < 0x80 ? 1 : bits < 0x4000 ? 2 : bits < 0x200000 ? 3 : bits < 0x10000000 ? 4 : 5
}
