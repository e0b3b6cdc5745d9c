import { CodeCommand } from '../_cli/code.ts'
import { presentDependencies } from '../_present/code.ts'

export default class CodeDeps extends CodeCommand {
  static override summary = 'List what the manifests and lock files depend on, as package URLs.'
  static override description = 'Manifests and lock files are read as text: no package manager runs and no registry is asked.'
  static override examples = [
    '<%= config.bin %> code deps',
    '<%= config.bin %> code deps packages/api --json',
    '<%= config.bin %> code deps --base HEAD~10 --json | jq -r ".data.dependencies[].purl"',
  ]
  static override strict = false
  static override args = CodeCommand.paths
  static override flags = CodeCommand.baseFlag

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(CodeDeps)
    this.common(flags)
    const found = await (await this.app()).code.dependencies(this.queryOf(argv, flags))
    this.answer(found, presentDependencies(found))
  }
}
