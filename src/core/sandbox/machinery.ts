// What makes sandboxes and runs things in them, behind one dynamic import.
export { APPARMOR_FIX } from './isolations/bubblewrap.ts'
export { seatbeltProfile } from './isolations/seatbelt.ts'
export { createIsolation, selectIsolation } from './isolations/select.ts'
export { createSandboxRoom } from './room.ts'
export { findTraces, removeTraces } from './traces.ts'
