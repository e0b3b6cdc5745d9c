import { expect } from 'vitest'
import { readDependencies } from '../../src/core/analysis/index.ts'

export type DependencyRow = [purl: string, scope: string, direct: boolean | null, requirement: string | null, line: number | null]

/** What one file depends on, which has to be readable. */
export async function dependencyRows(path: string, text: string): Promise<DependencyRow[]> {
  const { dependencies, problems } = await readDependencies([path], async () => Buffer.from(text))
  expect(problems).toEqual([])
  return dependencies.map(({ purl, scope, direct, requirement, line }) => [purl, scope, direct, requirement, line])
}
