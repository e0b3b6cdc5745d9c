import { type Fixer, hasAny, manifestNames, parseReport } from './fixer.ts'

/** Biome names its rules as categories ("lint/style/useConst"); its fixes are written per rule with --only. */
export const biome: Fixer = {
  id: 'biome',
  kind: 'rewriting',
  used: async (project) => hasAny(project, ['biome.json', 'biome.jsonc']),
  program: ({ findModule }) => {
    const script = findModule('@biomejs/biome/bin/biome')
    return script === undefined ? undefined : ['node', script]
  },
  report: (program) => [...program, 'lint', '--reporter=json', '--max-diagnostics=none', '--vcs-enabled=false'],
  rules(report) {
    const found = parseReport<{ diagnostics?: { category?: string }[] }>(report)?.diagnostics ?? []
    return unique(found.map(({ category }) => category?.match(/^lint\/(.+)$/)?.[1]))
  },
  fix: (program, rule) => [...program, 'lint', '--write', `--only=${rule}`, '--vcs-enabled=false'],
}

/** Oxlint names its rules as "plugin(rule)"; the fix run denies that rule alone. */
export const oxlint: Fixer = {
  id: 'oxlint',
  kind: 'rewriting',
  used: async (project) => (await hasAny(project, ['.oxlintrc.json', 'oxlint.config.ts'])) || (await manifestNames(project, 'oxlint')),
  program: ({ findModule }) => {
    const script = findModule('oxlint/bin/oxlint')
    return script === undefined ? undefined : ['node', script]
  },
  report: (program) => [...program, '--format', 'json'],
  rules(report) {
    const found = parseReport<{ diagnostics?: { code?: string }[] }>(report)?.diagnostics ?? []
    return unique(found.map(({ code }) => code?.match(/^[\w-]+\(([\w/-]+)\)$/)?.[1]))
  },
  fix: (program, rule) => [...program, '-A', 'all', '-D', rule, '--fix'],
}

/** gofmt has no rules: formatting as a whole is its one candidate. */
export const gofmt: Fixer = {
  id: 'gofmt',
  kind: 'rewriting',
  used: async (project) => hasAny(project, ['go.mod']),
  // by name: the jail finds it behind a version manager's shim, which lies elsewhere
  program: ({ findProgram }) => (findProgram('gofmt') === undefined ? undefined : ['gofmt']),
  report: (program) => [...program, '-l', '.'],
  rules: (report) => (report.trim() === '' ? [] : ['format']),
  fix: (program) => [...program, '-w', '.'],
}

function unique(names: readonly (string | undefined)[]): string[] {
  return [...new Set(names.filter((name): name is string => name !== undefined))].toSorted()
}
