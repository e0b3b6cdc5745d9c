import { writeFileSync } from 'node:fs'
import { buffer } from 'node:stream/consumers'
import { SingularityError, diskRefusal, messageOf, plural } from '../../core/kernel/index.ts'
import { Flags } from './oclif.ts'
import { readText } from './values.ts'

export const ANALYZE_FLAGS = {
  profile: Flags.option({ options: ['default', 'eslint', 'rca', 'sonar'] as const, default: 'default' as const })({
    description: 'Which constructs count as a decision; docs/metrics.md lists them.',
    env: 'SINGULARITY_PROFILE',
  }),
  changed: Flags.boolean({ description: 'Only files that differ from the last commit, or from --base.', env: 'SINGULARITY_CHANGED' }),
  base: Flags.string({ description: 'Only files changed since HEAD left this revision.', env: 'SINGULARITY_BASE' }),
  'fail-on': Flags.string({
    description: 'A limit: exit 1 where it is passed, like cyclomatic>15 or file.visual_studio<20.',
    multiple: true,
    multipleNonGreedy: true,
    default: [],
    defaultHelp: async () => undefined, // nothing, which help would show as an empty word
    env: 'SINGULARITY_FAIL_ON',
  }),
  sarif: Flags.string({ description: 'Write what passed a limit to this file as SARIF 2.1.0.', env: 'SINGULARITY_SARIF' }),
  github: Flags.boolean({
    description: 'Print what passed a limit as annotations of GitHub Actions, on stderr.',
    env: 'SINGULARITY_GITHUB',
  }),
  language: Flags.string({ description: 'The language of standard input: analyze - --language rust.', env: 'SINGULARITY_LANGUAGE' }),
  request: Flags.string({
    description: 'Answer one request {content, language, options} of this file, - for standard input.',
    exclusive: ['changed', 'base', 'fail-on', 'sarif', 'github', 'language'],
    env: 'SINGULARITY_REQUEST',
  }),
}

export type AnalyzeInput =
  | { kind: 'files'; paths: readonly string[] }
  | { kind: 'text'; bytes: Uint8Array; language: string }
  | { kind: 'request'; text: string }

type Given = { language?: string | undefined; request?: string | undefined; changed: boolean; base?: string | undefined }

/** @throws USAGE where what was given does not go together */
export async function readInput(paths: readonly string[], flags: Given): Promise<AnalyzeInput> {
  const refuse = (message: string, hint: string): never => {
    throw new SingularityError('USAGE', message, { hints: [hint] })
  }
  if (flags.request !== undefined) {
    if (paths.length > 0) refuse('A request brings its own text: no paths go with it.', 'code analyze --request request.json')
    return { kind: 'request', text: await readText(flags.request) }
  }
  if (!paths.includes('-')) {
    if (flags.language !== undefined)
      refuse('The language of files is told by their names; --language is for standard input.', 'code analyze - --language rust')
    return { kind: 'files', paths }
  }
  if (paths.length > 1) refuse('Standard input is analyzed alone.', 'code analyze - --language rust')
  if (flags.changed || flags.base !== undefined) refuse('Standard input has no base.', 'code analyze - --language rust')
  const language = flags.language ?? refuse('Which language is standard input?', 'code analyze - --language rust')
  return { kind: 'text', bytes: await buffer(process.stdin), language }
}

/** Without content it only tries whether the file can be written. @throws USAGE, READ_ONLY, DISK_FULL */
export function writeSarif(file: string, content: unknown): void {
  try {
    writeFileSync(file, content === undefined ? '' : `${JSON.stringify(content, null, 2)}\n`, { flag: content === undefined ? 'a' : 'w' })
  } catch (error) {
    const refusal = new SingularityError('USAGE', `--sarif ${file} cannot be written: ${messageOf(error)}.`, { cause: error })
    throw diskRefusal(error, file) ?? refusal
  }
}

/** How far long work is, on stderr: redrawn on a terminal, one line elsewhere. */
export function createCount(silent: boolean) {
  const live = process.stderr.isTTY === true
  let told = false
  return {
    show(done: number, of: number): void {
      if (silent || (told && !live)) return
      if (done < of || told)
        process.stderr.write(live ? `\r\u001b[2Kreading: ${done} of ${plural(of, 'file')}` : `reading: ${plural(of, 'file')}\n`)
      told = true
    },
    end(): void {
      if (told && live && !silent) process.stderr.write('\r\u001b[2K')
    },
  }
}
