// What eslint's `complexity` and eslint-plugin-sonarjs' `cognitive-complexity` say about each function of a text, with its place.
import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

/** Where the whole function stands: a method begins at its modifiers or name, as the syntax trees of other parsers have it. */
function spanOf(node) {
  const { parent } = node
  const isMethod = parent?.type === 'MethodDefinition' || (parent?.type === 'Property' && (parent.method || parent.kind !== 'init'))
  return { start: isMethod && parent.value === node ? parent.range[0] : node.range[0], end: node.range[1] }
}

/** eslint's rule looks at two things more that it calls by these names. */
const sortOf = ({ name = 'function' }) => /^Class (field initializer|static block)$/i.exec(name)?.[1] ?? 'function'

/** Runs a rule as it is; only what it reports is caught together with the function that it looks at. */
function watch(rule, options, found) {
  return {
    ...rule,
    meta: { ...rule.meta, schema: false },
    create(context) {
      let current
      const report = ({ node = current, data }) => {
        found.push({
          ...spanOf(node),
          sort: sortOf(data),
          line: node.loc.start.line,
          value: data.complexity ?? Number(data.complexityAmount),
        })
      }
      const listeners = rule.create(Object.create(context, { report: { value: report }, options: { value: options } }))
      const leave = listeners[':function:exit']
      if (leave)
        listeners[':function:exit'] = (node) => {
          current = node
          leave(node)
        }
      return listeners
    },
  }
}

/** @param {string} folder with package.json and installed eslint, eslint-plugin-sonarjs and @typescript-eslint/parser */
export async function openScriptOracles(folder) {
  const require = createRequire(resolve(folder, 'package.json'))
  const { Linter } = require('eslint')
  const { builtinRules } = require('eslint/use-at-your-own-risk')
  const { default: sonar } = await import(pathToFileURL(require.resolve('eslint-plugin-sonarjs')).href)
  const typescript = require('@typescript-eslint/parser')
  const linter = new Linter()
  /** `undefined` where eslint cannot parse the text. */
  function run(text, language, rule, options) {
    const parser = language === 'typescript' ? { parser: typescript } : {}
    for (const sourceType of ['module', 'commonjs', 'script']) {
      const found = []
      const config = {
        files: ['**/*.js', '**/*.ts'],
        linterOptions: { noInlineConfig: true },
        languageOptions: { ...parser, ecmaVersion: 'latest', sourceType, parserOptions: { ecmaFeatures: { jsx: true } } },
        plugins: { oracle: { rules: { it: watch(rule, options, found) } } },
        rules: { 'oracle/it': 'error' },
      }
      if (!linter.verify(text, [config], { filename: language === 'typescript' ? 'file.ts' : 'file.js' }).some(({ fatal }) => fatal))
        return found
    }
    return undefined
  }
  return {
    eslint: (text, language) => run(text, language, builtinRules.get('complexity'), [0]),
    sonar: (text, language) => run(text, language, sonar.rules['cognitive-complexity'], [-1]),
  }
}
