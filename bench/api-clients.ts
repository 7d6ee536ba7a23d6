// The clients of the bench `api`, in a process of their own: each connection asks again as soon as it is answered.
import { Agent, get } from 'node:http'
import type { Answered } from './api.ts'

const [, , portText = '', connectionsText = '', msText = '', ...paths] = process.argv
const port = Number(portText)
const connections = Number(connectionsText)
const agent = new Agent({ keepAlive: true, maxSockets: connections })
const rowStart = '"start":'

let [next, rows, bytes] = [0, 0, 0]
const took: number[] = []

const ask = (path: string): Promise<string> =>
  new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path, agent }, (answer) => {
      const parts: Buffer[] = []
      answer.on('data', (part: Buffer) => parts.push(part))
      answer.on('end', () => {
        const text = Buffer.concat(parts).toString('latin1')
        if (answer.statusCode === 200) resolve(text)
        else reject(new Error(`${answer.statusCode} for ${path}: ${text}`))
      })
      answer.on('error', reject)
    }).on('error', reject)
  })

const startedAt = performance.now()
const endsAt = startedAt + Number(msText)

async function connection(): Promise<void> {
  while (performance.now() < endsAt) {
    const from = performance.now()
    const text = await ask(paths[next++ % paths.length] ?? '/')
    took.push(performance.now() - from)
    bytes += text.length
    for (let at = text.indexOf(rowStart); at >= 0; at = text.indexOf(rowStart, at + 1)) rows += 1
  }
}

await Promise.all(Array.from({ length: connections }, connection))
const sorted = took.sort((a, b) => a - b)
const percentile = (share: number): number => sorted[Math.ceil(sorted.length * share) - 1] ?? Number.NaN
const seconds = (performance.now() - startedAt) / 1000
const result: Answered = {
  ...{ requests: sorted.length, rows, bytes, seconds },
  ...{ p50Ms: percentile(0.5), p99Ms: percentile(0.99) },
}
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0))
