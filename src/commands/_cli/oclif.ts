// The parts of oclif that a command names; its main door would load all of it.
export * as Args from '@oclif/core/args'
export * as Flags from '@oclif/core/flags'
