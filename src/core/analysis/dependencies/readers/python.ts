import { parse as parseToml } from 'smol-toml'
import { asObject } from '../../../kernel/index.ts'
import { type DependencyReader, type DependencyScope, type Found, exactVersion, purlOf } from '../dependency.ts'
import { field, readJson, textOf, tomlPlaces } from '../places.ts'

/** A requirement as PEP 508 has it; extras, markers and addresses are not part of the range. Null where it is none. */
function requirementOf(text: string): { name: string; requirement: string | null } | null {
  const [, name, rest] = /^\s*([A-Za-z\d](?:[\w.-]*[A-Za-z\d])?)\s*(?:\[[^\]]*\])?\s*([^;#]*)/.exec(text) ?? []
  if (name === undefined) return null
  const range = rest!.trim().replace(/^\((.*)\)$/, '$1')
  if (range !== '' && !/^[<>=!~@]/.test(range)) return null
  return { name, requirement: range === '' || range.startsWith('@') ? null : range }
}

/** '==1.2' and '===1.2' name one version; '==1.*' does not, and a bare '1.2' is poetry's caret. */
const pinned = (requirement: string | null): string | null => (requirement?.startsWith('=') ? exactVersion(requirement) : null)

function pypi(text: string, scope: DependencyScope, line: number | null): Found[] {
  const found = requirementOf(text)
  if (found === null) return []
  return [{ purl: purlOf('pypi', found.name, pinned(found.requirement)), scope, direct: true, requirement: found.requirement, line }]
}

const groupScope = (name: string): DependencyScope => {
  if (/^(?:tests?|testing)$/i.test(name)) return 'test'
  return /^(?:dev|development|lint|docs?|typing|style|ci)$/i.test(name) ? 'development' : 'optional'
}

/** requirements*.txt and constraints; `-r` and options are not followed. A file for development or tests says so in its name. */
export const requirements: DependencyReader = (text, path) => {
  const word = /(dev|test|lint|docs?|ci)/i.exec(path.slice(path.lastIndexOf('/') + 1))?.[1]
  const scope = word === undefined ? 'runtime' : groupScope(word) === 'test' ? 'test' : 'development'
  const logical = text.replaceAll(/\\\r?\n/g, (joined) => ' '.repeat(joined.length - 1) + '\u0000')
  let skipped = 0
  return logical.split('\n').flatMap((line, index) => {
    const at = index + 1 + skipped
    skipped += line.split('\u0000').length - 1
    const plain = line.replaceAll('\u0000', ' ').replace(/\s--hash=\S+/g, '')
    if (/^\s*(?:#|-|$)/.test(plain)) return []
    return pypi(plain.replace(/(?:^|\s)#.*$/, ''), scope, at)
  })
}

function lineOfRequirement(text: string, requirement: string): number | null {
  const at = text.indexOf(`"${requirement}"`) === -1 ? text.indexOf(`'${requirement}'`) : text.indexOf(`"${requirement}"`)
  return at === -1 ? null : text.slice(0, at).split('\n').length
}

/** PEP 621, PEP 735 and poetry. */
export const pyproject: DependencyReader = (text) => {
  const data = asObject(parseToml(text))
  const place = tomlPlaces(text)
  const list = (value: unknown, scope: DependencyScope): Found[] =>
    (Array.isArray(value) ? value : []).flatMap((each) =>
      typeof each === 'string' ? pypi(each, scope, lineOfRequirement(text, each)) : [],
    )
  const project = asObject(data['project'])
  const poetry = asObject(asObject(data['tool'])['poetry'])
  const table = (name: string, value: unknown, scope: DependencyScope): Found[] =>
    Object.entries(asObject(value))
      .filter(([key, entry]) => key !== 'python' && asObject(entry)['path'] === undefined)
      .map(([key, entry]) => {
        const requirement = textOf(entry) ?? textOf(asObject(entry)['version'])
        const wanted = asObject(entry)['optional'] === true ? 'optional' : scope
        return { purl: purlOf('pypi', key, pinned(requirement)), scope: wanted, direct: true, requirement, line: place(name, key) }
      })
  return [
    ...list(project['dependencies'], 'runtime'),
    ...Object.entries(asObject(project['optional-dependencies'])).flatMap(([name, value]) => list(value, groupScope(name))),
    ...Object.entries(asObject(data['dependency-groups'])).flatMap(([name, value]) =>
      list(value, groupScope(name) === 'optional' ? 'development' : groupScope(name)),
    ),
    ...list(asObject(data['build-system'])['requires'], 'build'),
    ...table('tool.poetry.dependencies', poetry['dependencies'], 'runtime'),
    ...table('tool.poetry.dev-dependencies', poetry['dev-dependencies'], 'development'),
    ...Object.entries(asObject(poetry['group'])).flatMap(([name, group]) => {
      const scope = groupScope(name) === 'test' ? 'test' : 'development'
      return table(`tool.poetry.group.${name}.dependencies`, asObject(group)['dependencies'], scope)
    }),
  ]
}

export const pipfile: DependencyReader = (text) => {
  const data = asObject(parseToml(text))
  const place = tomlPlaces(text)
  return (
    [
      ['packages', 'runtime'],
      ['dev-packages', 'development'],
    ] as const
  ).flatMap(([section, scope]) =>
    Object.entries(asObject(data[section])).map(([key, entry]) => {
      const said = textOf(entry) ?? textOf(asObject(entry)['version'])
      const requirement = said === '*' ? null : said
      return { purl: purlOf('pypi', key, pinned(requirement)), scope, direct: true, requirement, line: place(section, key) }
    }),
  )
}

export const pipfileLock: DependencyReader = (text) => {
  const json = readJson(text)
  return (
    [
      ['default', 'runtime'],
      ['develop', 'development'],
    ] as const
  ).flatMap(([section, scope]) =>
    json.entries(section).map(({ key, value, line }) => ({
      purl: purlOf('pypi', key, pinned(textOf(field(value, 'version')))),
      scope,
      direct: null,
      requirement: null,
      line,
    })),
  )
}

/** poetry.lock, uv.lock and pdm.lock: [[package]] with name and version. A package whose source is the project itself is none. */
export const packageTables =
  (type: string): DependencyReader =>
  (text) => {
    const packages = asObject(parseToml(text))['package']
    const lines = tableLines(text, 'package')
    return (Array.isArray(packages) ? packages : []).flatMap((each, index): Found[] => {
      const entry = asObject(each)
      const [name, version, source] = [textOf(entry['name']), textOf(entry['version']), asObject(entry['source'])]
      if (name === null || source['virtual'] !== undefined || source['editable'] !== undefined) return []
      // Cargo names a source for everything that is not of the workspace
      if (type === 'cargo' && entry['source'] === undefined) return []
      const scope = entry['category'] === 'dev' ? 'development' : entry['optional'] === true ? 'optional' : 'runtime'
      return [{ purl: purlOf(type, name, version), scope, direct: null, requirement: null, line: lines[index] ?? null }]
    })
  }

function tableLines(text: string, name: string): number[] {
  return text.split('\n').flatMap((line, index) => (new RegExp(`^\\[\\[${name}\\]\\]`).test(line) ? [index + 1] : []))
}

/** install_requires, extras_require and setup_requires of setup.cfg. */
export const setupCfg: DependencyReader = (text) => {
  const found: Found[] = []
  let [section, scope]: [string, DependencyScope | null] = ['', null]
  text.split('\n').forEach((line, index) => {
    const header = /^\[(.+)\]/.exec(line)?.[1]
    if (header !== undefined) [section, scope] = [header, null]
    const key = /^(\w[\w.-]*)\s*[=:]\s*(.*)$/.exec(line)
    if (key) {
      scope = scopeOfKey(section, key[1]!)
      if (scope !== null && key[2] !== '') found.push(...pypi(key[2]!, scope, index + 1))
    } else if (scope !== null && /^\s+[^#\s]/.test(line)) found.push(...pypi(line, scope, index + 1))
  })
  return found
}

function scopeOfKey(section: string, key: string): DependencyScope | null {
  if (section === 'options.extras_require') return groupScope(key)
  if (section !== 'options') return null
  return ({ install_requires: 'runtime', setup_requires: 'build', tests_require: 'test' } as Record<string, DependencyScope>)[key] ?? null
}
