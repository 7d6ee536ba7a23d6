import { execFileSync, spawn } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { stripVTControlCharacters } from 'node:util'
import type { Command } from 'commander'
import { exitCodes, FatalError } from '../../schemas/errors.ts'
import { type Proof, proofs } from '../../test/proofs.ts'

const page = 'docs/acceptance.md'
const head = `# Acceptance

Each line of an issue's "Must show", the one command that proves it, and what it last said. Rows are written by
\`npm run proof -- NAME\` alone; \`npm run proof -- --missing\` runs those that have no passing row of the current commit.

| issue | proof | line | command | exit | commit | date | last line |
|---|---|---|---|---|---|---|---|
`

interface Outcome {
  readonly exit: number
  readonly last: string
}

function run({ command, result, holds }: Proof): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn('sh', ['-c', command], { stdio: ['ignore', 'pipe', 'inherit'] })
    let pending = ''
    let last = ''
    const look = (line: string): void => {
      const text = stripVTControlCharacters(line).trim()
      if (result.test(text)) last = text
    }
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      process.stdout.write(text)
      const lines = (pending + text).split('\n')
      pending = lines.pop() ?? ''
      for (const line of lines) look(line)
    })
    child.on('error', reject)
    child.on('close', (code) => {
      look(pending)
      const exit = code ?? exitCodes.failure
      resolve({ exit: exit === 0 && holds?.(last) === false ? exitCodes.failure : exit, last })
    })
  })
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replace(/\s+/g, ' ').slice(0, 400)

function commit(): string {
  const git = (...args: readonly string[]): string => execFileSync('git', args, { encoding: 'utf8' }).trim()
  return `${git('rev-parse', '--short', 'HEAD')}${git('status', '--porcelain', '--untracked-files=no', '--', '.', ':!docs', ':!bench/results') === '' ? '' : '+'}`
}

async function rows(): Promise<Map<string, string>> {
  const text = await readFile(page, 'utf8').catch(() => '')
  const found = [...text.matchAll(/^\| \d+ \| ([a-z-]+) \| .*$/gm)]
  return new Map(found.map((match) => [match[1] ?? '', match[0]]))
}

async function write(proof: Proof, { exit, last }: Outcome): Promise<void> {
  const all = await rows()
  const cells = [
    proof.issue,
    proof.name,
    proof.line,
    `\`${proof.command}\``,
    exit,
    commit(),
    new Date().toISOString().slice(0, 16),
    last,
  ]
  all.set(proof.name, `| ${cells.map((one) => cell(String(one))).join(' | ')} |`)
  const body = proofs.flatMap(({ name }) => all.get(name) ?? []).join('\n')
  await writeFile(page, `${head}${body}\n`)
}

async function isProven({ name }: Proof, at: string): Promise<boolean> {
  return (await rows()).get(name)?.includes(`| 0 | ${at} |`) ?? false
}

/** `proof NAME…`: runs full counts and writes the rows of docs/acceptance.md. */
export function proofCommand(program: Command): void {
  const command = program.command('proof [names...]').description('prove lines of an issue with their full counts')
  command
    .option('--missing', 'every proof without a passing row of this commit')
    .action(async (names: readonly string[], { missing }: { readonly missing?: boolean }) => {
      const unknown = names.filter((name) => !proofs.some((proof) => proof.name === name))
      if (unknown.length > 0 || (names.length === 0 && missing !== true))
        throw new FatalError({
          code: 'USAGE',
          message: unknown.length > 0 ? `no proof is called ${unknown.join(', ')}` : 'which proof?',
          why: 'a proof is named, or --missing is given',
          hint: `one of ${proofs.map(({ name }) => name).join(', ')}`,
          exitCode: exitCodes.usage,
        })
      const at = commit()
      for (const proof of proofs) {
        if (names.length > 0 ? !names.includes(proof.name) : await isProven(proof, at)) continue
        process.stdout.write(`proof ${proof.name}: ${proof.command}\n`)
        const outcome = await run(proof)
        await write(proof, outcome)
        process.stdout.write(`proof ${proof.name}: exit ${outcome.exit}, ${outcome.last}\n`)
        if (outcome.exit !== 0) process.exitCode = exitCodes.failure
      }
    })
}
