import { readFile } from 'node:fs/promises'

/** `USER_HZ`: what a tick of `/proc/<pid>/stat` is, on every Linux of today. */
const microsPerJiffy = 10_000

/** What a running process has used so far, with all its threads. */
export async function usageOf(pid: number): Promise<{ cpuMicros: number; rssMiB: number }> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const peakKiB = Number(/VmHWM:\s+(\d+)/.exec(status)?.[1])
  return { cpuMicros: (Number(fields[11]) + Number(fields[12])) * microsPerJiffy, rssMiB: Math.round(peakKiB / 1024) }
}
