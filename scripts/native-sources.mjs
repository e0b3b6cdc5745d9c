// What the C and C++ sources are compiled with outside of node-gyp: by the check for warnings and by the sanitizers.
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { root } from './setup.mjs'

const require = createRequire(import.meta.url)
const library = join(dirname(require.resolve('tree-sitter/package.json')), 'vendor', 'tree-sitter', 'lib')
const headers = [join(dirname(process.execPath), '..', 'include', 'node'), '/usr/include/node'].find((path) =>
  existsSync(join(path, 'node_api.h')),
)
const sourceFile = (name) => join(root, 'native', 'src', name)

/** Folders of headers that are not ours. */
export const INCLUDES = [
  join(library, 'include'),
  join(library, 'src'),
  dirname(require.resolve('node-addon-api/package.json')),
  headers ?? '.',
]
export const DEFINES = ['NAPI_VERSION=8', 'NODE_ADDON_API_DISABLE_CPP_EXCEPTIONS', 'TREE_SITTER_HIDE_SYMBOLS', '_GNU_SOURCE']
export const C = { compiler: 'gcc', flags: ['-std=c11'], sources: ['core.c'].map(sourceFile) }
export const CPP = {
  compiler: 'g++',
  flags: ['-std=c++17', '-fno-exceptions', '-fno-rtti'],
  sources: ['arena.cc', 'walk.cc', 'kept_trees.cc', 'batch.cc', 'addon.cc'].map(sourceFile),
}
