// Prints `path:line name` of every class, interface, enum, namespace, named function and method that oxc reads in the files named on
// standard input: JavaScript, TypeScript and their JSX.
import { readFileSync } from 'node:fs'
import { parseSync } from 'oxc-parser'

const NAMED = new Set([
  'ClassDeclaration',
  'ClassExpression',
  'FunctionDeclaration',
  'FunctionExpression',
  'TSDeclareFunction',
  'TSInterfaceDeclaration',
  'TSEnumDeclaration',
  'TSModuleDeclaration',
])
const KEYED = new Set(['MethodDefinition', 'TSAbstractMethodDefinition', 'TSMethodSignature'])
const FUNCTIONS = new Set(['ArrowFunctionExpression', 'FunctionExpression'])

for (const path of readFileSync(0, 'utf8').split('\n').filter(Boolean)) {
  const text = readFileSync(path, 'utf8')
  const print = (name) => {
    if (name?.name === undefined && name?.value === undefined) return
    console.log(`${path}:${text.slice(0, name.start).split('\n').length} ${name.name ?? name.value}`)
  }
  const visit = (node) => {
    if (node === null || typeof node !== 'object') return
    if (Array.isArray(node)) return node.forEach(visit)
    if (NAMED.has(node.type)) print(node.id)
    if (KEYED.has(node.type)) print(node.key)
    // a function without a name of its own has the one it is kept under
    if (FUNCTIONS.has(node.value?.type) && node.key) print(node.key)
    if (FUNCTIONS.has(node.init?.type) && node.id) print(node.id)
    if (FUNCTIONS.has(node.right?.type) && node.left?.type === 'Identifier') print(node.left)
    if (FUNCTIONS.has(node.right?.type) && node.left?.type === 'MemberExpression') print(node.left.property)
    for (const value of Object.values(node)) visit(value)
  }
  visit(parseSync(path, text).program)
}
