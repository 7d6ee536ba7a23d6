import { afterEach } from 'vitest'
import { connect, type TestClient } from './client.ts'
import { startTestGateway, type TestGateway } from './start.ts'

/** Gateways and clients of a test file: what a test opens is closed after it, the last one first. */
export function openedGateways() {
  const opened: { close(): unknown }[] = []
  afterEach(async () => {
    for (const one of opened.splice(0).reverse()) await one.close()
  })
  return {
    async start(...given: Parameters<typeof startTestGateway>): Promise<TestGateway> {
      const started = await startTestGateway(...given)
      opened.push(started.gateway)
      return started
    },
    join(url: string, options?: Parameters<typeof connect>[1]): TestClient {
      const client = connect(url, options)
      opened.push(client)
      return client
    },
  }
}
