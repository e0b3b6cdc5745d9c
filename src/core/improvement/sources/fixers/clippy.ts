import { type Fix, type Fixer, type FixerProject, hasAny, parseReport, relativePath } from './fixer.ts'

type Span = {
  file_name: string
  byte_start: number
  byte_end: number
  line_start: number
  suggested_replacement: string | null
  suggestion_applicability: string | null
}
type Message = { reason: string; message?: { code: { code: string } | null; spans: Span[]; children: { spans: Span[] }[] } }

async function isWorkspace({ reader }: FixerProject): Promise<boolean> {
  return /^\s*\[workspace\b/m.test((await reader.text('Cargo.toml')) ?? '')
}

/** Cargo prints paths from the top of the workspace, also where it runs in a member. */
async function pathOf(printed: string, project: FixerProject): Promise<string> {
  return (await project.reader.entry(printed)) ? printed : relativePath(printed, project)
}

/** Clippy's machine-applicable suggestions, from cargo's JSON messages. Ranges count bytes. */
export const clippy: Fixer = {
  id: 'clippy',
  kind: 'reporting',
  // a member of a workspace is asked with the workspace
  used: async (project) => (await hasAny(project, ['Cargo.toml'])) && !(project.alone && (await isWorkspace(project))),
  // by name: the jail finds them behind rustup's shims, which lie elsewhere
  program: ({ findProgram }) => (findProgram('cargo') && findProgram('cargo-clippy') ? ['cargo', 'clippy'] : undefined),
  report: (program) => [...program, '--workspace', '--offline', '--quiet', '--message-format', 'json'],
  async read(report, project) {
    const fixes: Fix[] = []
    for (const line of report.split('\n')) {
      const entry = line.startsWith('{') ? parseReport<Message>(line) : undefined
      const rule = entry?.message?.code?.code
      if (!entry?.message || !rule?.startsWith('clippy::')) continue
      for (const { spans } of entry.message.children) {
        const usable = spans.filter((span) => span.suggestion_applicability === 'MachineApplicable' && span.suggested_replacement !== null)
        if (usable.length === 0 || new Set(usable.map(({ file_name }) => file_name)).size > 1) continue
        fixes.push({
          rule: rule.slice('clippy::'.length),
          file: await pathOf(usable[0]!.file_name, project),
          line: usable[0]!.line_start,
          edits: usable.map((span) => ({ start: span.byte_start, end: span.byte_end, text: span.suggested_replacement! })),
        })
      }
    }
    return fixes
  },
}
