import type { Repartition } from '../../ports/candle-store.ts'
import { exitCodes, FatalError, TransientError } from '../../schemas/errors.ts'
import type { SqlTransport } from './sql-transport.ts'
import { arrayLiteral } from './sql-values.ts'

/** What the procedure raises where it changes nothing. */
const refused = /^(.*) \(SQLSTATE RW001\)$/

/** @throws {FatalError} `NOT_REPARTITIONED`. */
export async function repartition(transport: SqlTransport, topology: string, change: Repartition): Promise<void> {
  const { topic, from, to, offsets } = change
  const ends = Array.from({ length: from }, (_, partition) => offsets.get(partition) ?? 0)
  try {
    await transport.transaction([
      {
        text: 'CALL repartition($1, $2, $3::int, $4::int, $5::text::bigint[])',
        parameters: [topology, topic, from, to, arrayLiteral(ends)],
      },
    ])
  } catch (error) {
    const why = error instanceof TransientError ? refused.exec(error.why ?? '')?.[1] : undefined
    if (why === undefined) throw error
    throw new FatalError({
      code: 'NOT_REPARTITIONED',
      message: `${topic} was not repartitioned: nothing was changed`,
      why,
      exitCode: exitCodes.config,
    })
  }
}
