/** The key under which the name of a tree's last measured coverage is kept, for those who ask about the tree and not about a run. */
export const coverageName = (tree: string): string => `coverage-of:${tree}`
