import { boolean, count, list, nullable, number, object, oneOf, string, type Schema } from './build.ts'

const problems = list(object({ path: string, reason: string }))
const scope = oneOf('runtime', 'development', 'test', 'build', 'optional', 'peer')

/** What `data` of the commands about code holds. */
export const CODE: Readonly<Record<string, Schema>> = {
  'code.deps': object({
    manifests: list(object({ path: string, ecosystem: string, lock: boolean })),
    dependencies: list(
      object({
        purl: string,
        scope,
        direct: nullable(boolean),
        requirement: nullable(string),
        path: string,
        line: nullable(count),
      }),
    ),
    problems,
  }),
  'code.tech': object({
    technologies: list(
      object({
        id: string,
        name: string,
        category: string,
        version: nullable(string),
        confidence: number,
        evidence: list(object({ path: string, line: nullable(count), sign: string })),
      }),
    ),
  }),
}
