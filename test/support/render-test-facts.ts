import type { TestFacts } from '../../src/core/analysis/index.ts'

/** Test facts as lines for a golden file: one per test, below it one per assertion. */
export function renderTestFacts(facts: TestFacts): string {
  const assertionsOf = (id: string): string[] =>
    facts.assertions
      .filter(({ test }) => test === id)
      .map(({ line, matcher, strength, subject, expected, tolerance, disabled }) =>
        [
          `  ${line} ${matcher} strength ${strength}`,
          `subject <${subject}>`,
          `expected <${expected}>`,
          ...(tolerance === null ? [] : [`tolerance ${tolerance}`]),
          ...(disabled === null ? [] : [disabled]),
        ].join(' '),
      )
  return [
    `${facts.language ?? 'unknown'} tier ${facts.tier}`,
    ...facts.tests.flatMap(({ id, line, state, rows }) => [
      `${line} ${state} ${id}${rows.length === 0 ? '' : ` rows ${rows.map((row) => `<${row}>`).join(' ')}`}`,
      ...assertionsOf(id),
    ]),
    ...(assertionsOf('').length === 0 ? [] : ['outside of tests', ...assertionsOf('')]),
    '',
  ].join('\n')
}
