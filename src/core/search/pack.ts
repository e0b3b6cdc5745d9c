/** Characters of a token, about: what models count of code. */
const TOKEN_CHARACTERS = 4

/** The best hits whose content fits into so many tokens; one that does not fit is left out whole, a smaller one behind it may still fit. */
export function packHits<T extends { path: string | null; content: string }>(hits: readonly T[], tokens: number): T[] {
  let left = tokens * TOKEN_CHARACTERS
  return hits.filter(({ path, content }) => {
    const size = (path?.length ?? 0) + content.length
    if (size > left) return false
    left -= size
    return true
  })
}
