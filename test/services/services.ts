import { describe, inject, it } from 'vitest'
import { createDatabase } from './postgres.ts'
import type { ServiceName } from './service-names.ts'

/** What a suite gets of each service. */
export interface Services {
  readonly kafka: { readonly brokers: string }
  readonly registry: { readonly url: string }
  readonly postgres: {
    readonly url: string
    /** A database of the suite's own. */
    createDatabase(): Promise<{ url: string; drop(): Promise<void> }>
  }
  readonly redis: { readonly url: string }
  readonly chromium: { readonly path: string }
}

const shapes: { readonly [Name in ServiceName]: (address: string) => Services[Name] } = {
  kafka: (brokers) => ({ brokers }),
  registry: (url) => ({ url }),
  postgres: (url) => ({ url, createDatabase: () => createDatabase(url) }),
  redis: (url) => ({ url }),
  chromium: (path) => ({ path }),
}

/**
 * A suite that needs a real service. Where it is missing: one skipped test that says why,
 * or a failing one under `REQUIRE_SERVICES=1`.
 */
export function describeService<Name extends ServiceName>(
  name: Name,
  title: string,
  suite: (service: Services[Name]) => void,
): void {
  const address = addressOf(name)
  if (typeof address === 'string') describe(title, () => suite(shapes[name](address)))
  else missing(title, `${name}: ${address.reason}`)
}

/** The same for a suite that needs several. */
export function describeServices<Name extends ServiceName>(
  names: readonly Name[],
  title: string,
  suite: (services: Pick<Services, Name>) => void,
): void {
  const found: Partial<Services> = {}
  const reasons: string[] = []
  for (const name of names) {
    const address = addressOf(name)
    if (typeof address === 'string') Object.assign(found, { [name]: shapes[name](address) })
    else reasons.push(`${name}: ${address.reason}`)
  }
  if (reasons.length > 0) missing(title, reasons.join('; '))
  else if (hasAll(found, names)) describe(title, () => suite(found))
}

function hasAll<Name extends ServiceName>(
  found: Partial<Services>,
  names: readonly Name[],
): found is Partial<Services> & Pick<Services, Name> {
  return names.every((name) => found[name] !== undefined)
}

function addressOf(name: ServiceName): string | { readonly reason: string } {
  const state = inject('services')?.[name]
  if (state === undefined) return { reason: 'the global set-up did not see that this file needs it' }
  return 'address' in state ? state.address : { reason: state.missing }
}

function missing(title: string, reason: string): void {
  const firstLine = reason.split('\n')[0] ?? ''
  if (process.env['REQUIRE_SERVICES'] === '1') {
    describe(title, () => {
      it(`needs ${firstLine}`, () => {
        throw new Error(`REQUIRE_SERVICES=1 and a service is missing: ${reason}`)
      })
    })
  } else describe(title, () => it.skip(`skipped, no ${firstLine}`, () => undefined))
}
