import { tap } from 'rxjs'
import { expect, it } from 'vitest'
import { type ByteReader, createByteWriter } from '../processors/core/byte-buffer.ts'
import type { PartitionContext, StreamElement } from '../processors/core/stream-element.ts'
import { packSections } from './packed-state.ts'
import { createPipelineHost } from './pipeline-host.ts'
import { collectGarbage } from './testing/garbage.ts'

type Context = Omit<PartitionContext, 'restored'>

it('lets go of the stored state once its steps have read it', async () => {
  const section = createByteWriter()
  section.uint(42)
  let packed: Uint8Array | undefined = packSections(new Map([['sum', section]]))
  const kept: WeakRef<object>[] = [new WeakRef(packed)]
  let read: number | undefined
  let restored: ((stepId: string) => readonly ByteReader[]) | undefined
  const host = createPipelineHost<never, never>({
    pipeline: tap((element: StreamElement<never>) => {
      if (element.kind !== 'open') return
      restored = element.context.restored
      const [reader] = restored('sum')
      if (reader === undefined) return
      read = reader.uint()
      kept.push(new WeakRef(reader))
    }),
    context: { partition: 0, partitions: 1 } as Context,
    states: [packed],
    onElement: () => undefined,
  })
  packed = undefined
  await collectGarbage()
  expect(read).toBe(42)
  expect(kept.map((one) => one.deref())).toEqual([undefined, undefined])
  expect(() => restored?.('sum')).toThrow('sum reads its state when the pipeline opens')
  host.flush()
})
