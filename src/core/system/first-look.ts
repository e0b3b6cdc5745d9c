/** What only `init` needs, loaded when it runs: runners and parsers are not for the other commands of this room. */
export { detectPlan } from '../validation/index.ts'
export { proposeSettings } from './propose.ts'
