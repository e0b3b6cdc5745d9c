import ImproveBase from './_cli/improve-base.ts'

export default class Look extends ImproveBase {
  static override summary = 'Take a two-minute look: what could be improved, and what the tests do not see.'
  static override description = 'What a bare `singularity` does. Nothing is changed and nothing is asked.'
  static override examples = ['<%= config.bin %>', '<%= config.bin %> look --json', "<%= config.bin %> look --test 'make check'"]
  static override args = ImproveBase.paths
  static override strict = false
  static override flags = ImproveBase.lookFlags

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(Look)
    await this.improve(argv as string[], { ...flags, look: true })
  }
}
