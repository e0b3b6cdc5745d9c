import type { ObjectBatch } from './batch.ts'
import type { ChangedFile, GitOutput, TreeEntry, TreeReader } from './git.ts'

const CACHED_TREES = 8
const OBJECT_ID = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/

export type TreeReaders = { reader(treeOrCommit: string): TreeReader }

type Listing = { list: readonly TreeEntry[]; byPath: ReadonlyMap<string, TreeEntry> }

/** Readers over tree objects. Listings of the last few trees are kept: an object id never changes its meaning. */
export function createTreeReaders(run: (args: readonly string[]) => Promise<GitOutput>, batch: ObjectBatch): TreeReaders {
  const listings = new Map<string, Promise<Listing>>()

  const listingOf = (tree: string): Promise<Listing> => {
    let listing = listings.get(tree)
    if (!listing) {
      listing = run(['ls-tree', '-r', '-z', '-l', '--full-tree', tree]).then((output) => parseListing(output.stdout))
      if (!OBJECT_ID.test(tree)) return listing // a name may mean something else the next time
      listing.catch(() => listings.delete(tree))
      listings.set(tree, listing)
      if (listings.size > CACHED_TREES) listings.delete(listings.keys().next().value!)
    }
    return listing
  }

  return {
    reader(tree) {
      const entry = async (path: string): Promise<TreeEntry | undefined> => (await listingOf(tree)).byPath.get(path)
      const read = async (path: string): Promise<Buffer | undefined> => {
        const found = await entry(path)
        if (!found || found.mode === '160000') return undefined
        return (await batch.read(found.oid))?.content
      }
      return {
        tree,
        entries: async () => (await listingOf(tree)).list,
        entry,
        read,
        text: async (path) => (await read(path))?.toString('utf8'),
      }
    },
  }
}

function parseListing(stdout: Buffer): Listing {
  const list: TreeEntry[] = []
  for (const record of splitNul(stdout)) {
    const tab = record.indexOf('\t')
    const [mode, , oid, size] = record.slice(0, tab).split(/ +/)
    list.push({ path: record.slice(tab + 1), mode: mode as TreeEntry['mode'], oid: oid!, size: size === '-' ? null : Number(size) })
  }
  return { list, byPath: new Map(list.map((item) => [item.path, item])) }
}

/** NUL-terminated records as text. */
export function splitNul(stdout: Buffer): string[] {
  const parts = stdout.toString('utf8').split('\0')
  if (parts.at(-1) === '') parts.pop()
  return parts
}

const STATUS: Readonly<Record<string, ChangedFile['status']>> = { A: 'added', M: 'modified', D: 'deleted', R: 'renamed', T: 'type' }

/** Parses `diff-tree -r -z --raw`. */
export function parseRawDiff(stdout: Buffer): ChangedFile[] {
  const fields = splitNul(stdout)
  const files: ChangedFile[] = []
  for (let index = 0; index < fields.length;) {
    const [oldMode = '', newMode = '', oldOid = '', newOid = '', letter = ''] = fields[index++]!.slice(1).split(' ')
    const status = STATUS[letter[0] ?? ''] ?? 'modified'
    const oldPath = status === 'renamed' ? fields[index++]! : null
    files.push({ path: fields[index++]!, oldPath, status, oldMode, newMode, oldOid, newOid })
  }
  return files
}
