import type { CodeQuery } from '../../core/app/code.ts'
import { BaseCommand } from './base.ts'
import { Args, Flags } from './oclif.ts'

/** Shared by the commands about code. Those that take several paths say `strict = false` themselves: oclif reads only a class's own words. */
export abstract class CodeCommand extends BaseCommand {
  static paths = { paths: Args.string({ description: 'Files or folders to keep to; everything when none is named.' }) }
  static baseFlag = {
    base: Flags.string({ description: 'Read this commit instead of the files as they lie here.', env: 'SINGULARITY_BASE' }),
  }

  protected queryOf(argv: readonly unknown[], flags: { base?: string | undefined }): CodeQuery {
    return { paths: argv.map(String), base: flags.base }
  }
}
