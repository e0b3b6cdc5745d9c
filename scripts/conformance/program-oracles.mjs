// What checkstyle says about methods of Java and pmccabe about functions of C and C++: rows {path, line, value} with paths as given.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const RULES = `<?xml version="1.0"?>
<!DOCTYPE module PUBLIC "-//Checkstyle//DTD Checkstyle Configuration 1.3//EN" "https://checkstyle.org/dtds/configuration_1_3.dtd">
<module name="Checker"><property name="haltOnException" value="false"/>
<module name="TreeWalker"><module name="CyclomaticComplexity"><property name="max" value="0"/></module></module></module>
`

function run(command, args) {
  const { stdout, error } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 28 })
  if (error) throw error
  return stdout
}

/** Files it cannot parse (Java newer than itself) have no row. Its exit code only counts what it reports. */
export function askCheckstyle(files) {
  const folder = mkdtempSync(join(tmpdir(), 'oracle-'))
  try {
    const rules = join(folder, 'rules.xml')
    writeFileSync(rules, RULES)
    return [
      ...run('checkstyle', ['-c', rules, ...files]).matchAll(/^\[ERROR\] (.+?):(\d+)(?::\d+)?: Cyclomatic Complexity is (\d+) /gm),
    ].map(([, path, line, value]) => ({ path, line: Number(line), value: Number(value) }))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** McCabe's figure as pmccabe calls it traditional: every case is a decision. */
export function askPmccabe(files) {
  return [...run('pmccabe', files).matchAll(/^\d+\t(\d+)\t\d+\t\d+\t\d+\t(.+)\((\d+)\): /gm)].map(([, value, path, line]) => ({
    path,
    line: Number(line),
    value: Number(value),
  }))
}
