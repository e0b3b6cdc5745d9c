import { posix } from 'node:path'
import type { DetectContext, TestRunner } from '../runner.ts'
import { protectedScripts } from './javascript.ts'
import { protectedPython } from './python.ts'
import { createReport } from './report.ts'
import { addTap, readTap, tapName } from './tap-output.ts'

/**
 * Any command line. It can only say pass or fail for the whole suite (`coarse`), unless what it prints is a whole TAP stream.
 * A `--test` text is run by sh with the project's own programs in front of PATH.
 */
export const command: TestRunner = {
  id: 'command',
  async recognise(script, context) {
    return {
      runner: 'command',
      scope: context.scope,
      command: shellCommand(script.text, context.scope),
      env: script.env,
      origin: script.text,
      protectedPaths: [
        ...protectedScripts(context.scope, []),
        ...protectedPython(context.scope),
        ...(context.scope === '' ? ['Makefile', 'Rakefile', 'spec/**'] : []),
        ...(await namedFiles(script.text, context)),
      ],
    }
  },
  async detect() {
    return undefined
  },
  command(entry) {
    return { command: entry.command, env: {}, reports: [] }
  },
  async parse({ entry, exitCode, stdout }) {
    const report = createReport()
    if (/^TAP version 1[234]$/m.test(stdout) && readTap(stdout).ended) {
      const ended = addTap(report, stdout, (line) => ({ file: entry.scope, name: tapName(line) }))
      return report.finish({ ended, exitCode })
    }
    if (exitCode === null) return report.finish({ ended: false, exitCode, coarse: true })
    report.add({
      file: entry.scope,
      name: '(suite)',
      status: exitCode === 0 ? 'pass' : 'fail',
      message: exitCode === 0 ? '' : stdout.slice(-2000),
    })
    return report.finish({ ended: true, exitCode, coarse: true })
  },
}

/** Files of the repository that a command names: where the command is the suite, they are the tests. */
async function namedFiles(text: string, { tree, scope }: DetectContext): Promise<string[]> {
  const found: string[] = []
  for (const word of text.split(/[\s'"=;&|()<>]+/)) {
    const path = posix.normalize(posix.join(scope, word))
    if (word === '' || word.startsWith('-') || path.startsWith('../') || !/[./]/.test(word)) continue
    if (await tree.entry(path)) found.push(path.replace(/[*?[\]{}()!+@\\]/g, '\\$&'))
  }
  return found
}

/** A command line for sh, with node_modules/.bin of the package and of the top in front of PATH. */
export function shellCommand(text: string, scope: string): readonly string[] {
  const up =
    scope === ''
      ? ''
      : `:$PWD/${scope
          .split('/')
          .map(() => '..')
          .join('/')}/node_modules/.bin`
  return ['sh', '-c', `PATH="$PWD/node_modules/.bin${up}:$PATH"; export PATH\n${text}`]
}
