// The sources that figures are compared on: files of installed packages, none over a tenth, nothing minified, chosen by hash.
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { extname, join, relative } from 'node:path'

/** Packages of node_modules whose files people wrote or a compiler left readable. */
export const SCRIPT_PACKAGES = [
  'ajv',
  'argparse',
  'brace-expansion',
  'cacache',
  'chai',
  'commander',
  'debug',
  'ejs',
  'enquirer',
  'fast-glob',
  'fast-xml-parser',
  'fs-extra',
  'glob',
  'handlebars',
  'hosted-git-info',
  'iconv-lite',
  'ini',
  'jake',
  'js-yaml',
  'jsonc-parser',
  'jsonrepair',
  'lodash',
  'lru-cache',
  'luxon',
  'magic-string',
  'make-fetch-happen',
  'micromatch',
  'minimatch',
  'minipass',
  'node-gyp',
  'nopt',
  'normalize-package-data',
  'openai',
  'path-scurry',
  'pg',
  'pg-boss',
  'picomatch',
  'postcss',
  'readable-stream',
  'semver',
  'smol-toml',
  'socks',
  'source-map',
  'ssri',
  'tap-parser',
  'tar',
  'uglify-js',
  'undici',
  'ws',
  'yaml',
]

/** Packages and modules of Debian's python3. */
export const PYTHON_PACKAGES = [
  'asyncio',
  'collections',
  'concurrent',
  'ctypes',
  'curses',
  'distutils',
  'email',
  'encodings',
  'html',
  'http',
  'idlelib',
  'importlib',
  'json',
  'lib2to3',
  'logging',
  'multiprocessing',
  'pydoc_data',
  're',
  'sqlite3',
  'tomllib',
  'unittest',
  'urllib',
  'wsgiref',
  'xml',
  'xmlrpc',
  'zoneinfo',
  'argparse.py',
  'ast.py',
  'bdb.py',
  'calendar.py',
  'cgi.py',
  'configparser.py',
  'dataclasses.py',
  'datetime.py',
  'decimal.py',
  'difflib.py',
  'doctest.py',
  'enum.py',
  'functools.py',
  'inspect.py',
  'pickle.py',
  'tarfile.py',
  'typing.py',
  'zipfile.py',
]

/** Packages of node_modules with types that people wrote. */
export const TYPED_PACKAGES = [
  'ajv',
  'ansis',
  'better-sqlite3',
  'chalk',
  'execa',
  'expect-type',
  'fast-check',
  'fast-xml-parser',
  'glob',
  'got',
  'ink',
  'json-schema-to-ts',
  'jsonc-parser',
  'keyv',
  'knip',
  'lru-cache',
  'magic-string',
  'minimatch',
  'minipass',
  'openai',
  'pg-boss',
  'postcss',
  'quick-lru',
  'rolldown',
  'smol-toml',
  'tar',
  'tinybench',
  'type-fest',
  'undici',
  'vite',
  'vitest',
  'web-tree-sitter',
  'yaml',
  'zod',
]

/** Packages of node_modules that bring their sources. */
export const TYPESCRIPT_PACKAGES = [
  '@anthropic-ai/sdk/src',
  '@changesets/apply-release-plan',
  '@changesets/assemble-release-plan',
  '@changesets/get-dependents-graph',
  '@changesets/git',
  '@changesets/parse',
  '@changesets/read',
  '@changesets/write',
  '@jridgewell/sourcemap-codec',
  '@manypkg/find-root',
  '@manypkg/get-packages',
  '@noble/ciphers',
  '@noble/curves',
  '@noble/hashes',
  '@noble/post-quantum',
  '@pnpm/config.env-replace',
  '@pnpm/network.ca-file',
  '@scure/base',
  '@stablelib/base64',
  'ajv/lib',
  'exponential-backoff',
  'fastest-levenshtein',
  'human-id',
  'openai/src',
  'outdent',
  'pg-cloudflare',
  'pg-protocol',
  'pg-types',
  'plainjob',
  'yoga-layout',
  'zod/src',
]

/** Packages of Debian's golang-go. */
export const GO_PACKAGES = [
  'archive',
  'bufio',
  'bytes',
  'compress',
  'container',
  'context',
  'crypto',
  'database',
  'encoding',
  'errors',
  'expvar',
  'flag',
  'fmt',
  'go',
  'html',
  'image',
  'io',
  'log',
  'math',
  'mime',
  'net',
  'os',
  'path',
  'reflect',
  'regexp',
  'sort',
  'strconv',
  'strings',
  'sync',
  'text',
  'time',
  'unicode',
]

/** Headers of Debian's development packages, by folder. */
export const C_PACKAGES = [
  'arpa',
  'asm-generic',
  'brotli',
  'drm',
  'EGL',
  'freetype2',
  'GL',
  'gnutls',
  'KHR',
  'libexslt',
  'libpng16',
  'libxml2',
  'libxslt',
  'linux',
  'llvm-c-14',
  'lzma',
  'misc',
  'mtd',
  'net',
  'netinet',
  'openssl',
  'pcre2.h',
  'postgresql',
  'protocols',
  'rdma',
  'rpc',
  'scsi',
  'sound',
  'sqlite3.h',
  'unicode',
  'video',
  'X11',
  'xcb',
  'xen',
  'xorg',
  'zlib.h',
]

function* filesBelow(folder, extensions) {
  let entries
  try {
    entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))
  } catch {
    if (extensions.includes(extname(folder)) && existsSync(folder)) yield folder
    return
  }
  for (const entry of entries) {
    if (entry.name === 'node_modules' || entry.name === '__pycache__') continue
    const path = join(folder, entry.name)
    if (entry.isDirectory()) yield* filesBelow(path, extensions)
    else if (entry.isFile() && extensions.includes(extname(entry.name)) && !/\.(min|bundle)\./.test(entry.name)) yield path
  }
}

/** As a formatter would leave it: no line of a thousand letters, and no hundred letters a line. */
function isMinified(text) {
  const lines = text.split('\n')
  return lines.some((line) => line.length > 1000) || text.length / lines.length > 100
}

export const sha256 = (data) => createHash('sha256').update(data).digest('hex')

/**
 * @param {{ root: string, packages: readonly string[], extensions: readonly string[], bytes: number }} options `bytes`: most of one package
 * @returns {{ package: string, path: string, full: string, bytes: Buffer, sha256: string }[]} no two files with the same bytes
 */
export function chooseSources({ root, packages, extensions, bytes: most }) {
  const seen = new Set()
  const chosen = []
  for (const name of packages) {
    const files = [...filesBelow(join(root, name), extensions)].map((full) => {
      const bytes = readFileSync(full)
      return { package: name, path: relative(root, full), full, bytes, sha256: sha256(bytes) }
    })
    let size = 0
    for (const file of files.toSorted((a, b) => (a.sha256 < b.sha256 ? -1 : 1))) {
      if (seen.has(file.sha256) || file.bytes.length > 300_000 || isMinified(file.bytes.toString('utf8'))) continue
      if (size + file.bytes.length > most) continue
      seen.add(file.sha256)
      size += file.bytes.length
      chosen.push(file)
    }
  }
  return chosen
}
