import { LAYERS, NETWORK, PRIVATE_PACKAGES, SIDEWAYS } from './layers.ts'

/** Every room of src/core, top row first. */
export const ROOMS: readonly string[] = LAYERS.flat()

/** The rooms `room` may import from: all rows below it and its own sideways edges. */
export function mayImport(room: string): readonly string[] {
  const row = LAYERS.findIndex((rooms) => rooms.includes(room))
  if (row < 0) return []
  return [...LAYERS.slice(row + 1).flat(), ...(SIDEWAYS[room] ?? [])]
}

/** True when a file of `folder` (`src/core/git`, `src/ui`, ...) may import the package. */
export function mayUsePackage(folder: string, name: string): boolean {
  const owner = PRIVATE_PACKAGES[name]
  return owner === undefined || [owner].flat().includes(folder)
}

type Pattern = { regex: string; message: string }
type Override = { files: string[]; rules: Record<string, unknown> }

function override(files: string, folder: string, patterns: Pattern[]): Override {
  const paths = Object.entries(PRIVATE_PACKAGES)
    .filter(([name]) => !mayUsePackage(folder, name))
    .map(([name, owner]) => ({ name, message: `Only ${[owner].flat().join(' and ')} uses ${name}.` }))
  const wire = NETWORK.owners.includes(folder)
    ? {}
    : { 'no-restricted-globals': ['error', ...NETWORK.globals.map((name) => ({ name, message: NETWORK.message }))] }
  if (!NETWORK.owners.includes(folder)) paths.push(...NETWORK.modules.map((name) => ({ name, message: NETWORK.message })))
  return { files: [files], rules: { 'no-restricted-imports': ['error', { paths, patterns }], ...wire } }
}

/** Anything below a room but its index.ts; spelled out because the linter's expressions know no look-ahead. */
const byDoor = (rooms: readonly string[]): Pattern => ({
  regex: `^(\\.\\./)+(core/)?(${rooms.join('|')})/(.*/|[^i]|i[^n]|in[^d]|ind[^e]|inde[^x]|index[^.])`,
  message: 'Another room is entered through its index.ts.',
})

/** The lint overrides that hold the layer table: one per room, one per front door, one for the composition root. */
export function lintFences(): { overrides: Override[] } {
  const rooms = ROOMS.map((room) => {
    const allowed = mayImport(room)
    const forbidden = ROOMS.filter((other) => other !== room && !allowed.includes(other))
    return override(`src/core/${room}/**`, `src/core/${room}`, [
      ...(forbidden.length > 0
        ? [
            {
              regex: `^(\\.\\./)+(${forbidden.join('|')})/`,
              message: `${room} stands below or beside this room (test/architecture/layers.ts).`,
            },
          ]
        : []),
      {
        regex: '^(\\.\\./)+(app\\.ts|(app|commands|ui|mcp)/)',
        message: 'The core knows neither its composition root nor its front doors.',
      },
      byDoor(ROOMS.filter((other) => other !== room)),
    ])
  })
  return {
    overrides: [
      ...rooms,
      ...['src/core/app.ts', 'src/core/app/**'].map((files) =>
        override(files, 'src/core', [{ regex: '^(\\.\\./)+(commands|ui|mcp)/', message: 'The core does not know its front doors.' }]),
      ),
      override('src/commands/**', 'src/commands', [byDoor(ROOMS)]),
      override('src/ui/**', 'src/ui', [byDoor(ROOMS), { regex: '^(\\.\\./)+commands/', message: 'Front doors do not know each other.' }]),
    ],
  }
}
