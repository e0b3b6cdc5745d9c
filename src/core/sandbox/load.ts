/** The part of the room that makes sandboxes and runs things in them. Loaded by who does: commands that only read go without. */
export const loadMachinery = (): Promise<typeof import('./machinery.ts')> => import('./machinery.ts')
