import ImproveBase from './_cli/improve-base.ts'

export default class Improve extends ImproveBase {
  static override summary = 'Find possible improvements, prove them in a sandbox, ask, land them as commits.'
  static override description =
    'Sources are the built-in rules, the rules of the repository and its own linters; or one change handed in by --patch, --branch or --exec, or made by a model or an agent for --goal. ' +
    'Nothing lands without a yes: yours on the terminal or in the inbox, or --yes for what the evidence keeps at low risk.'
  static override usage =
    'improve [PATHS...] [--patch F | --branch B | --exec COMMAND | --goal TEXT [--agent A] | --source S... | --rule R...] [--dry-run | --yes | --detach] [FLAGS]'
  static override examples = [
    '<%= config.bin %> improve',
    '<%= config.bin %> improve src --source rules --yes',
    '<%= config.bin %> improve --patch my.patch',
    "<%= config.bin %> improve --exec 'npx codemod src' --test 'npm test'",
    "<%= config.bin %> improve --goal 'Use URLSearchParams in src/query' src/query --budget 0.50",
    "<%= config.bin %> improve --agent claude --goal 'Handle an empty list in last()'",
    "<%= config.bin %> improve --metric 'size[bytes,lower]=wc -c < dist/index.js' --dry-run",
    '<%= config.bin %> improve --patch my.patch --detach',
    '<%= config.bin %> improve src --wait 2h',
    '<%= config.bin %> improve --propose --yes --summary body.md',
  ]
  static override args = ImproveBase.paths
  static override strict = false
  static override flags = ImproveBase.improveFlags

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(Improve)
    await this.improve(argv as string[], { ...flags, look: false })
  }
}
