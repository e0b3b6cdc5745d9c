import { EXIT, jsonLine } from '../../core/kernel/index.ts'
import { ANALYZE_FLAGS, createCount, readInput, writeSarif } from '../_cli/analyze.ts'
import { CodeCommand } from '../_cli/code.ts'
import { presentAnalysis, presentAnnotations, sarifOf } from '../_present/code-analysis.ts'

export default class CodeAnalyze extends CodeCommand {
  static override summary = 'Measure files and functions: complexity, Halstead, maintainability, lines, nesting.'
  static override description =
    'Reads the files as they lie here, ignored ones left out, in a process of its own. What each figure means, and which of them an independent program confirms, stands in docs/metrics.md. With --fail-on the exit code is 1 where a limit is passed.'
  static override examples = [
    '<%= config.bin %> code analyze',
    "<%= config.bin %> code analyze src --changed --fail-on 'cyclomatic>15' --fail-on 'cognitive>20'",
    "<%= config.bin %> code analyze --base origin/main --fail-on 'cyclomatic>15' --sarif findings.sarif --github",
    "<%= config.bin %> code analyze --json | jq -r '.data.files[] | select(.cognitive > 50) | .path'",
    'cat list.py | <%= config.bin %> code analyze - --language python --profile sonar',
    '<%= config.bin %> code analyze --request - < request.json',
  ]
  static override strict = false
  static override args = CodeCommand.paths
  static override flags = ANALYZE_FLAGS

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(CodeAnalyze)
    this.common(flags)
    const input = await readInput(argv.map(String), flags)
    const { code } = await this.app()
    const limits = await code.parseLimits(flags['fail-on'])
    if (flags.sarif !== undefined) writeSarif(flags.sarif, undefined)
    const count = createCount(flags.quiet || this.isJson)
    const analysis = await this.untilSignal(async ({ soft }) => {
      const options = { profile: flags.profile, limits, signal: soft, onProgress: count.show }
      if (input.kind === 'request') return code.answerRequest(input.text, options)
      if (input.kind === 'text') return code.analyzeText(input.bytes, input.language, options)
      const changed = flags.changed || flags.base !== undefined
      return code.analyze({ paths: input.paths, base: flags.base, changed }, options)
    }).finally(count.end)
    if (!('findings' in analysis)) return this.answer(analysis, jsonLine(analysis))
    if (flags.sarif !== undefined) writeSarif(flags.sarif, sarifOf(analysis, limits, this.config.version))
    if (flags.github) for (const line of presentAnnotations(analysis)) process.stderr.write(`${line}\n`)
    this.answer(analysis, presentAnalysis(analysis), analysis.findings.length > 0 ? EXIT.negative : EXIT.done)
  }
}
