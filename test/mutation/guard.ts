import ts from 'typescript'

/** Turns of all loops of a source in one run of a test file; a mutant may make a loop endless. */
const turnsMax = 20_000_000

/** The source with a count of the turns of its loops, which throws when there are too many. */
export function guarded(text: string): string {
  const source = ts.createSourceFile('guarded.ts', text, ts.ScriptTarget.Latest, true)
  const inserts: (readonly [at: number, text: string])[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isIterationStatement(node, false)) {
      inserts.push([node.statement.getStart(), '{ countTurn(); '])
      inserts.push([node.statement.end, ' }'])
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  if (inserts.length === 0) return text
  let result = ''
  let from = 0
  // Stable: of those at one place, what was found first, the outer one, opens first; closing ones are all alike.
  for (const [at, inserted] of inserts.sort((a, b) => a[0] - b[0])) {
    result += text.slice(from, at) + inserted
    from = at
  }
  return `${result}${text.slice(from)}
var mutationTurns = 0
function countTurn(): void {
  if (++mutationTurns > ${turnsMax}) throw new Error('a loop without an end')
}
`
}
