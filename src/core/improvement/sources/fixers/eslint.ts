import { type Fix, type Fixer, byteOffset, hasAny, manifestNames, parseReport, relativePath } from './fixer.ts'

const CONFIGS = ['js', 'mjs', 'cjs', 'ts', 'mts', 'cts'].map((ending) => `eslint.config.${ending}`)
const OLD_CONFIGS = ['', '.js', '.cjs', '.json', '.yml', '.yaml'].map((ending) => `.eslintrc${ending}`)

type Report = { filePath: string; messages: { ruleId: string | null; line: number; fix?: { range: [number, number]; text: string } }[] }[]

/** ESLint's JSON report carries every fix with its rule, so one pass tells everything. Ranges count UTF-16 units. */
export const eslint: Fixer = {
  id: 'eslint',
  kind: 'reporting',
  used: async (project) => (await hasAny(project, [...CONFIGS, ...OLD_CONFIGS])) || (await manifestNames(project, 'eslint')),
  program: ({ findModule }) => {
    const script = findModule('eslint/bin/eslint.js')
    return script === undefined ? undefined : ['node', script]
  },
  report: (program) => [...program, '.', '--format', 'json', '--no-error-on-unmatched-pattern'],
  async read(report, project) {
    const fixes: Fix[] = []
    for (const { filePath, messages } of parseReport<Report>(report) ?? []) {
      const fixable = messages.filter(({ fix, ruleId }) => fix && ruleId)
      if (fixable.length === 0) continue
      const file = relativePath(filePath, project)
      const text = await project.reader.text(file)
      if (text === undefined) continue
      const shift = text.startsWith('\uFEFF') ? 1 : 0 // ESLint counts from behind a byte order mark
      for (const { ruleId, line, fix } of fixable) {
        const [from, to] = fix!.range
        fixes.push({
          rule: ruleId!,
          file,
          line,
          edits: [{ start: byteOffset(text, Math.max(0, from + shift)), end: byteOffset(text, to + shift), text: fix!.text }],
        })
      }
    }
    return fixes
  },
}
