import type { GitOutput, TreeEntry, TreeReader } from './git.ts'
import type { GitObject } from './objects.ts'

type Access = { run(args: readonly string[]): Promise<GitOutput>; read(name: string): Promise<GitObject | undefined> }

/** Reads a tree once (`ls-tree -r -l -z`), then blobs by id. */
export function createTreeReader(tree: string, { run, read }: Access): TreeReader {
  let listed: Promise<Map<string, TreeEntry>> | undefined
  const list = (): Promise<Map<string, TreeEntry>> => (listed ??= load())

  async function load(): Promise<Map<string, TreeEntry>> {
    const { stdout } = await run(['ls-tree', '-r', '-l', '-z', '--full-tree', tree])
    const entries = new Map<string, TreeEntry>()
    for (const line of stdout.toString('utf8').split('\0')) {
      const tab = line.indexOf('\t')
      if (tab === -1) continue
      const [mode, , oid, size] = line.slice(0, tab).split(/ +/)
      const path = line.slice(tab + 1)
      entries.set(path, { path, mode: mode as TreeEntry['mode'], oid: oid!, size: size === '-' ? null : Number(size) })
    }
    return entries
  }

  async function content(path: string): Promise<Buffer | undefined> {
    const entry = (await list()).get(path)
    if (!entry || entry.mode === '160000') return undefined
    return (await read(entry.oid))?.content
  }
  return {
    tree,
    entries: async () => [...(await list()).values()],
    entry: async (path) => (await list()).get(path),
    read: content,
    text: async (path) => (await content(path))?.toString('utf8'),
  }
}
