import { CodeCommand } from '../_cli/code.ts'
import { Flags } from '../_cli/oclif.ts'
import { timeOf } from '../_cli/values.ts'
import { hotSpotsData, presentHotSpots } from '../_present/code-insights.ts'

export default class CodeHotspots extends CodeCommand {
  static override summary = 'Rank files by how complex they are and how often they are changed and mended.'
  static override description =
    'Score: cyclomatic complexity times commits that changed the file, where a fix counts twice; docs/metrics.md has the source. Moves are followed, merges and commits of very many files are left out, and so are generated, vendored and huge files.'
  static override examples = [
    '<%= config.bin %> code hotspots',
    '<%= config.bin %> code hotspots src --since 2026-01-01 --limit 5',
    "<%= config.bin %> code hotspots --json | jq -r '.data.files[] | [.score, .path] | @tsv'",
  ]
  static override strict = false
  static override args = CodeCommand.paths
  static override flags = {
    since: Flags.string({
      description: 'Only commits since then: a date, or a time ago like 90d.',
      helpValue: 'TIME',
      env: 'SINGULARITY_SINCE',
    }),
    limit: Flags.integer({ description: 'Most files that are shown.', min: 1, max: 100_000, default: 20, env: 'SINGULARITY_LIMIT' }),
    'max-files': Flags.integer({
      description: 'Commits that change more files than this are left out.',
      min: 1,
      default: 30,
      env: 'SINGULARITY_MAX_FILES',
    }),
  }

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(CodeHotspots)
    this.common(flags)
    const app = await this.app()
    const since = flags.since === undefined ? undefined : timeOf('since', flags.since, app.context.clock.now())
    const found = await this.untilSignal(({ soft }) =>
      app.insights.hotSpots(this.queryOf(argv, {}), { since, maxFiles: flags['max-files'], limit: flags.limit, signal: soft }),
    )
    this.answer(hotSpotsData(found), presentHotSpots(found))
  }
}
