import ts from 'typescript'

/** One small change to a source file that a good suite notices. */
export interface Mutant {
  readonly file: string
  /** From 1. */
  readonly line: number
  /** From 1, in the line without what it is indented by. */
  readonly column: number
  /** The line, without what it is indented by. */
  readonly source: string
  readonly before: string
  readonly after: string
  /** The whole file with the change. */
  readonly text: string
}

const swaps = new Map<ts.SyntaxKind, string>([
  [ts.SyntaxKind.LessThanToken, '<='],
  [ts.SyntaxKind.LessThanEqualsToken, '<'],
  [ts.SyntaxKind.GreaterThanToken, '>='],
  [ts.SyntaxKind.GreaterThanEqualsToken, '>'],
  [ts.SyntaxKind.EqualsEqualsEqualsToken, '!=='],
  [ts.SyntaxKind.ExclamationEqualsEqualsToken, '==='],
  [ts.SyntaxKind.PlusToken, '-'],
  [ts.SyntaxKind.MinusToken, '+'],
  [ts.SyntaxKind.AsteriskToken, '/'],
  [ts.SyntaxKind.SlashToken, '*'],
  [ts.SyntaxKind.AmpersandAmpersandToken, '||'],
  [ts.SyntaxKind.BarBarToken, '&&'],
  [ts.SyntaxKind.AmpersandToken, '|'],
  [ts.SyntaxKind.BarToken, '&'],
  [ts.SyntaxKind.PlusEqualsToken, '-='],
  [ts.SyntaxKind.MinusEqualsToken, '+='],
])
const calls = new Map([
  ['Math.max', 'Math.min'],
  ['Math.min', 'Math.max'],
  ['Math.floor', 'Math.ceil'],
])

/** `x | 0`: a hint to the compiler, which changes nothing for the numbers that occur. */
function isIntegerHint(node: ts.Node): boolean {
  return (
    ts.isBinaryExpression(node) &&
    node.operatorToken.kind === ts.SyntaxKind.BarToken &&
    ts.isNumericLiteral(node.right) &&
    node.right.text === '0'
  )
}

/** Types, imports, and what only says what is wrong with us. */
function isLeftOut(node: ts.Node): boolean {
  return (
    ts.isImportDeclaration(node) ||
    ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node) ||
    ts.isTypeNode(node) ||
    (ts.isCallExpression(node) && node.expression.getText() === 'invariant')
  )
}

type Change = readonly [start: number, end: number, after: string]

function changesOf(node: ts.Node): Change[] {
  if (ts.isBinaryExpression(node)) {
    const swap = isIntegerHint(node) ? undefined : swaps.get(node.operatorToken.kind)
    return swap === undefined ? [] : [[node.operatorToken.getStart(), node.operatorToken.end, swap]]
  }
  if (ts.isPrefixUnaryExpression(node)) {
    const isChanged = node.operator === ts.SyntaxKind.ExclamationToken || node.operator === ts.SyntaxKind.MinusToken
    return isChanged ? [[node.getStart(), node.operand.getStart(), '']] : []
  }
  if (node.kind === ts.SyntaxKind.TrueKeyword) return [[node.getStart(), node.end, 'false']]
  if (node.kind === ts.SyntaxKind.FalseKeyword) return [[node.getStart(), node.end, 'true']]
  if (ts.isNumericLiteral(node) && !isIntegerHint(node.parent))
    return [[node.getStart(), node.end, `(${node.text} + 1)`]]
  if (ts.isExpressionStatement(node)) return [[node.getStart(), node.end, ';']]
  if (ts.isIfStatement(node))
    return (['true', 'false'] as const).map((value) => [node.expression.getStart(), node.expression.end, value])
  if (ts.isCallExpression(node)) {
    const other = calls.get(node.expression.getText())
    return other === undefined ? [] : [[node.expression.getStart(), node.expression.end, other]]
  }
  return []
}

/** Every mutant of a file, in the order of its text. */
export function mutantsOf(file: string, text: string): Mutant[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
  const lines = text.split('\n')
  const mutants: Mutant[] = []
  const visit = (node: ts.Node): void => {
    if (isLeftOut(node)) return
    for (const [start, end, after] of changesOf(node)) {
      const { line, character } = source.getLineAndCharacterOfPosition(start)
      const whole = lines[line] ?? ''
      const column = character + 1 - (whole.length - whole.trimStart().length)
      const place = { file, line: line + 1, column, source: whole.trim() }
      const changed = text.slice(0, start) + after + text.slice(end)
      mutants.push({ ...place, before: text.slice(start, end), after, text: changed })
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return mutants
}
