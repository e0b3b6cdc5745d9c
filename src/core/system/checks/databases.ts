import { existsSync } from 'node:fs'
import { messageOf, plural } from '../../kernel/index.ts'
import { type RepairReport, inspectDatabase } from '../../storage/index.ts'
import { type Check, fail, ok, warn } from '../check.ts'
import type { DatabaseFile, SystemDeps } from '../deps.ts'

type Fault = { file: DatabaseFile; kind: 'damaged' | 'other'; detail: string }

/** Every page of every database, and whether it is one of ours. Only what is damaged can be mended. */
export const databases: Check = {
  id: 'databases',
  async run(deps) {
    const [files, faults] = await look(deps)
    if (faults.length > 0) {
      const fixes = faults.some(({ kind }) => kind === 'damaged') ? ['singularity doctor --fix'] : []
      return fail(faults.map(({ file, detail }) => `${file.path}: ${detail}`).join('; '), ...fixes)
    }
    if (files.length === 0) return ok('none was made yet')
    const doubt = files.some(({ name }) => name === 'account.db') ? (await deps.llm()).account().doubt() : null
    if (doubt !== null) return warn(`nothing is paid for: ${doubt}`, 'singularity llm budget', 'singularity llm budget confirm')
    return ok(`sound: ${files.map(({ name }) => name).join(', ')}`)
  },
  async repair(deps) {
    const [, faults] = await look(deps)
    const notes: string[] = []
    for (const { file, kind } of faults) {
      if (kind !== 'damaged') continue
      try {
        const report = await file.repair()
        notes.push(report ? describe(file, report) : `${file.path} was damaged and holds copies only: removed.`)
      } catch (error) {
        notes.push(`${file.path} was not mended: ${messageOf(error)}`)
      }
    }
    return notes
  },
}

async function look(deps: SystemDeps): Promise<[DatabaseFile[], Fault[]]> {
  const files = (await deps.databaseFiles()).filter(({ path }) => existsSync(path))
  const faults = files.flatMap((file): Fault[] => {
    try {
      const { damage, applicationId, version } = inspectDatabase(file.path)
      if (damage !== undefined) return [{ file, kind: 'damaged', detail: `damaged (${damage})` }]
      if (version > file.version)
        return [{ file, kind: 'other', detail: `version ${version} is of a newer program, this one knows ${file.version}` }]
      if (version > 0 && applicationId !== file.applicationId) return [{ file, kind: 'other', detail: 'not a file of singularity' }]
      return []
    } catch (error) {
      return [{ file, kind: 'other', detail: messageOf(error) }]
    }
  })
  return [files, faults]
}

const HOW: Readonly<Record<RepairReport['how'], string>> = {
  salvaged: 'saved row by row',
  restored: 'restored from a copy',
  new: 'started anew, nothing could be read and there is no copy',
}

function describe(file: DatabaseFile, { how, aside, rows, backup }: RepairReport): string {
  const kept = Object.values(rows).reduce((sum, each) => sum + each.kept, 0)
  const short = Object.entries(rows).flatMap(([table, { lost }]) => (lost > 0 ? [`${lost} of ${table}`] : []))
  const count = how === 'salvaged' ? ` (${plural(kept, 'row')}; known to be lost: ${short.join(', ') || 'none'})` : ''
  const from = backup === null ? '' : ` (${backup}); what happened since is not in it`
  return `${file.name} was ${HOW[how]}${count}${from}. The damaged file is kept: ${aside}`
}
