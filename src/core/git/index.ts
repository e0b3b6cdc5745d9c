export type * from './git.ts'
export type { Repository, RepositoryState } from './repository.ts'
export { MINIMUM_GIT, discoverRepository, gitVersion, isOldGit, repositoryState } from './repository.ts'
export { createGit } from './wrapper.ts'
