import { LineCounter, isMap, isScalar, isSeq, parseAllDocuments, parseDocument, visit } from 'yaml'
import { type DependencyReader, type DependencyScope, type Found, exactVersion, purlOf } from '../dependency.ts'
import { lineOf, textOf, upToPartner, withoutComments } from '../places.ts'

/** required_providers of *.tf, and modules from a registry. */
export const terraform: DependencyReader = (source) => {
  const text = withoutComments(source, /\/\*[\s\S]*?\*\/|(?:#|(?<!:)\/\/).*/g)
  const providers = [...text.matchAll(/\brequired_providers\s*\{/g)].flatMap(({ index, 0: head }) => {
    const start = index + head.length
    const body = upToPartner(text, start, ['{', '}'])
    return [...body.matchAll(/([\w-]+)\s*=\s*\{([^}]*)\}/g)].map((match): Found => {
      const name = /\bsource\s*=\s*"(?:registry\.terraform\.io\/)?([^"]+)"/.exec(match[2]!)?.[1] ?? `hashicorp/${match[1]}`
      const requirement = /\bversion\s*=\s*"([^"]+)"/.exec(match[2]!)?.[1] ?? null
      return {
        purl: purlOf('terraform', name, exactVersion(requirement)),
        scope: 'runtime',
        direct: true,
        requirement,
        line: lineOf(text, start + match.index),
      }
    })
  })
  const modules = [...text.matchAll(/\bmodule\s+"[^"]+"\s*\{/g)].flatMap(({ index, 0: head }): Found[] => {
    const body = upToPartner(text, index + head.length, ['{', '}'])
    const name = /\bsource\s*=\s*"((?:[\w.-]+\/)?[\w-]+\/[\w-]+\/[\w-]+)"/.exec(body)?.[1]
    if (name === undefined) return []
    const requirement = /\bversion\s*=\s*"([^"]+)"/.exec(body)?.[1] ?? null
    return [
      {
        purl: purlOf('terraform', name, exactVersion(requirement)),
        scope: 'runtime',
        direct: true,
        requirement,
        line: lineOf(text, index),
      },
    ]
  })
  return [...providers, ...modules]
}

export const terraformLock: DependencyReader = (text) =>
  [...text.matchAll(/^provider\s+"(?:[\w.-]+\/)?([\w-]+\/[\w-]+)"\s*\{([\s\S]*?)^\}/gm)].map((match) => ({
    purl: purlOf('terraform', match[1]!, /\bversion\s*=\s*"([^"]+)"/.exec(match[2]!)?.[1]),
    scope: 'runtime',
    direct: null,
    requirement: null,
    line: lineOf(text, match.index),
  }))

/** An image as written: registry/name:tag@digest. Null for variables and stages. */
function imageOf(image: string): { name: string; tag: string | null } | null {
  const [, name, tag, digest] = /^([\w.-]+(?::\d+(?=\/))?(?:\/[\w.-]+)*)(?::([\w.-]+))?(?:@(sha256:[\da-f]+))?$/.exec(image) ?? []
  return name === undefined || image.includes('$') ? null : { name, tag: digest ?? tag ?? null }
}

function docker(image: string, line: number, scope: DependencyScope): Found[] {
  const found = imageOf(image)
  return found === null ? [] : [{ purl: purlOf('docker', found.name, found.tag), scope, direct: true, requirement: found.tag, line }]
}

/** FROM lines; `scratch` and earlier stages are not images. */
export const dockerfile: DependencyReader = (text) => {
  const stages = new Set(['scratch'])
  return text.split('\n').flatMap((line, index) => {
    const [, image, stage] = /^\s*FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?/i.exec(line) ?? []
    if (image === undefined) return []
    const known = stages.has(image.toLowerCase())
    if (stage !== undefined) stages.add(stage.toLowerCase())
    return known ? [] : docker(image, index + 1, 'runtime')
  })
}

/** Every value under one of these keys, wherever it stands, with its line. */
function valuesOf(text: string, wanted: string): { value: string; line: number }[] {
  const counter = new LineCounter()
  const found: { value: string; line: number }[] = []
  for (const document of parseAllDocuments(text, { lineCounter: counter, uniqueKeys: false })) {
    if (document.errors.length > 0) throw document.errors[0]!
    visit(document, {
      Pair(_key, { key, value }) {
        if (isScalar(key) && key.value === wanted && isScalar(value) && typeof value.value === 'string')
          found.push({ value: value.value, line: counter.linePos(key.range?.[0] ?? 0).line })
      },
    })
  }
  return found
}

export const compose: DependencyReader = (text) => valuesOf(text, 'image').flatMap(({ value, line }) => docker(value, line, 'runtime'))

/** `uses:` of workflows and composite actions: another repository at a reference, or an image. */
export const githubActions: DependencyReader = (text) =>
  valuesOf(text, 'uses').flatMap(({ value, line }): Found[] => {
    if (value.startsWith('docker://')) return docker(value.slice('docker://'.length), line, 'build')
    const [, name, reference] = /^([\w.-]+\/[\w.-]+)(?:\/[^@]+)?@(\S+)$/.exec(value) ?? []
    return name === undefined
      ? []
      : [{ purl: purlOf('githubactions', name, reference), scope: 'build', direct: true, requirement: reference!, line }]
  })

/** Chart.yaml and requirements.yaml of helm. */
export const helm: DependencyReader = (text) => {
  const counter = new LineCounter()
  const document = parseDocument(text, { lineCounter: counter })
  if (document.errors.length > 0) throw document.errors[0]!
  const list = document.get('dependencies')
  if (!isSeq(list)) return []
  return list.items.flatMap((item): Found[] => {
    if (!isMap(item)) return []
    const [name, requirement] = [textOf(item.get('name')), textOf(String(item.get('version') ?? ''))]
    if (name === null) return []
    return [
      {
        purl: purlOf('helm', name, exactVersion(requirement)),
        scope: 'runtime',
        direct: true,
        requirement: requirement || null,
        line: counter.linePos(item.range?.[0] ?? 0).line,
      },
    ]
  })
}

/** .tool-versions of asdf and mise: one tool a line, further versions are fallbacks. */
export const toolVersions: DependencyReader = (text) =>
  text.split('\n').flatMap((line, index) => {
    const [, name, version] = /^\s*([\w-]+)\s+([^\s#]+)/.exec(line) ?? []
    return name === undefined
      ? []
      : [
          {
            purl: purlOf('generic', name, exactVersion(version)),
            scope: 'development',
            direct: true,
            requirement: version!,
            line: index + 1,
          },
        ]
  })
