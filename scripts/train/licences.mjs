// Which files of a source may be used: permissive licences only, read from the package's own statement of its licences.
import { existsSync, readFileSync, readdirSync, realpathSync } from 'node:fs'
import { join } from 'node:path'

const PERMISSIVE =
  /^(?:mit(?:[-~].*)?|expat(?:[-~].*)?|x11|bsd.*|0bsd|apache.*|isc(?:[-~].*)?|psf.*|python.*|unlicen[sc]e|curl|postgresql.*|zlib.*|libtiff|tcl.*|openssl.*|cc0.*|public-domain|ruby|bsl-1\.0|boost.*|hpnd.*|other-bsd.*|bouncy.*)$/i

/** `A or B` is permissive where one part is, `A and B` where all are. */
export function isPermissive(expression) {
  const plain = expression.replace(/[()]/g, ' ').replace(/\/(?=[a-z])/gi, ' or ')
  return plain.split(/\s+(?:and)\s+|,(?!\s*or)/i).every((part) =>
    part.split(/\s+or\s+|\|/i).some((each) =>
      PERMISSIVE.test(
        each
          .trim()
          .replace(/\s+with\s.*$/i, '')
          .replace(/\s+/g, '-'),
      ),
    ),
  )
}

/** Patterns of DEP-5: `*` and `?` also match `/`. */
function pattern(glob) {
  const source = glob
    .replace(/[.+^${}()|[\]]/g, '\\$&')
    .replace(/\\\\(.)/g, '\\$1')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
  return new RegExp(`^${source}$`)
}

/** Debian's machine-readable copyright file -> the licence of each path; the last stanza that matches counts. */
function readDep5(text) {
  if (!/^Format(?:-Specification)?:/im.test(text.slice(0, 500))) return undefined
  const stanzas = text.split(/\n\s*\n/).flatMap((stanza) => {
    const field = (name) => new RegExp(`^${name}:((?:.*\\n?)(?:[ \\t].*\\n?)*)`, 'im').exec(stanza)?.[1]
    const files = field('Files')
    const licence = field('License')?.trim().split('\n')[0].trim()
    return files && licence ? [{ patterns: files.trim().split(/\s+/).map(pattern), licence }] : []
  })
  if (stanzas.length === 0) return undefined
  return (path) => stanzas.findLast(({ patterns }) => patterns.some((each) => each.test(path)))?.licence
}

function copyrightFile(folder, { from, name }) {
  const candidates =
    from === 'deb'
      ? readdirSync(join(folder, 'usr/share/doc')).map((each) => join(folder, 'usr/share/doc', each, 'copyright'))
      : [join(folder, 'debian/copyright')]
  return candidates.sort((a, b) => Number(b.includes(`/${name}/`)) - Number(a.includes(`/${name}/`))).find((file) => existsSync(file))
}

/**
 * @returns {{licence: string, allows: (path: string) => boolean} | undefined} nothing where the licence cannot be read by a program.
 * `source.licence` in the manifest, noted by a person, stands in for a file that is not machine-readable.
 */
export function licenceOf(folder, source) {
  if (source.from === 'npm') {
    const { license } = JSON.parse(readFileSync(join(folder, 'package', 'package.json'), 'utf8'))
    const licence = typeof license === 'string' ? license : license?.type
    return licence && { licence, allows: () => isPermissive(licence) }
  }
  const file = copyrightFile(folder, source)
  const of = file && readDep5(readFileSync(realpathSync(file), 'utf8'))
  if (!of) return source.reviewed && { licence: source.reviewed, allows: () => isPermissive(source.reviewed) }
  // a name that means nothing elsewhere (`Go`) was looked up by a person: `reviewed` says what it is
  const main = of('*') ?? of('main.source.file') ?? 'unknown'
  const named = (licence) => (licence === main && source.reviewed ? source.reviewed : licence)
  return { licence: named(main), allows: (path) => isPermissive(named(of(path) ?? main)) }
}
