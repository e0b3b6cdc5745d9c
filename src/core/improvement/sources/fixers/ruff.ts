import { type Fix, type Fixer, byteOffsetAt, hasAny, parseReport, relativePath } from './fixer.ts'

type Place = { row: number; column: number }
type Report = {
  code: string | null
  filename: string
  location: Place
  fix: { applicability: string; edits: { content: string; location: Place; end_location: Place }[] } | null
}[]

/** Ruff's JSON report carries its edits; only those it calls safe are taken. Columns count code points from 1. */
export const ruff: Fixer = {
  id: 'ruff',
  kind: 'reporting',
  used: async (project) => {
    if (await hasAny(project, ['ruff.toml', '.ruff.toml'])) return true
    const manifest = (await project.reader.text(project.scope === '' ? 'pyproject.toml' : `${project.scope}/pyproject.toml`)) ?? ''
    return manifest.includes('[tool.ruff')
  },
  // by name: the jail finds it behind a version manager's shim, which lies elsewhere
  program: ({ findProgram }) => (findProgram('ruff') === undefined ? undefined : ['ruff']),
  report: (program) => [...program, 'check', '--output-format', 'json', '--no-cache', '--exit-zero', '.'],
  async read(report, project) {
    const fixes: Fix[] = []
    for (const { code, filename, location, fix } of parseReport<Report>(report) ?? []) {
      if (!code || fix?.applicability !== 'safe') continue
      const file = relativePath(filename, project)
      const text = await project.reader.text(file)
      if (text === undefined) continue
      const edits = fix.edits.map((edit) => ({
        start: byteOffsetAt(text, edit.location.row, edit.location.column),
        end: byteOffsetAt(text, edit.end_location.row, edit.end_location.column),
        text: edit.content,
      }))
      fixes.push({ rule: code, file, line: location.row, edits })
    }
    return fixes
  },
}
