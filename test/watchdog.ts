import { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, expect } from 'vitest'

/** How long past its own time limit a test, or what stands between two, may keep the process from noticing. */
const graceMs = 60_000
/** Longer ones Node takes for 1 ms. */
const timerMsMax = 2 ** 31 - 1
/** Longest time between two tests: loading, and hooks with their own limit of 120 s. */
const betweenMs = 240_000

// Vitest cannot end a test that never yields, and waits for it without end. A thread of its own can: it names the test and
// ends the process, which fails the file.
const watcher = new Worker(
  `const { parentPort } = require('node:worker_threads')
   const { writeSync } = require('node:fs')
   let timer
   const end = (what) => {
     writeSync(2, 'watchdog: ' + what + ' does not end: its process is ended\\n')
     process.kill(process.pid, 'SIGKILL')
   }
   parentPort.on('message', ({ what, ms }) => {
     clearTimeout(timer)
     timer = setTimeout(end, ms, what)
   })`,
  { eval: true },
)
watcher.unref()

const file = expect.getState().testPath ?? 'a test file'
const watch = (what: string, ms: number): void => watcher.postMessage({ what: `${file}: ${what}`, ms })

watch('loading', betweenMs)
beforeEach(({ task }) => watch(task.name, Math.min(task.timeout + graceMs, timerMsMax)))
afterEach(() => watch('a hook, or the next test', betweenMs))
