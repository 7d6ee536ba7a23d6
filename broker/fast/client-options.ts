/** Bounds of one call, as of the other client: repeating it is up to whoever made it. */
export const connectMsMax = 3_000
export const requestMsMax = 7_000

/** Options of every client of the brokers. */
export function clientOptions(brokers: readonly string[], clientId: string) {
  return {
    ...{ clientId, bootstrapBrokers: [...brokers] },
    ...{ connectTimeout: connectMsMax, requestTimeout: requestMsMax, retries: 0, strict: false },
  }
}
