/** The examples in a file's documentation that a doctest runner would execute, as lines. */
export function doctestsOf(text: string, language: string | null): string[] {
  const lines = text.split(/\r?\n/)
  if (language === 'python') {
    const found: string[] = []
    let open = false
    for (const line of lines) {
      const trimmed = line.trim()
      if (/^(?:>>>|\.\.\.)(?: |$)/.test(trimmed)) open = true
      else if (trimmed === '' || /^("""|''')/.test(trimmed)) open = false
      if (open) found.push(trimmed)
    }
    return found
  }
  if (language !== 'rust') return []
  const found: string[] = []
  let open = false
  for (const line of lines) {
    const doc = /^\s*\/\/[/!] ?(.*)$/.exec(line)
    if (doc === null) {
      open = false
      continue
    }
    const fence = /^\s*```(.*)$/.exec(doc[1]!)
    if (fence !== null) {
      if (!open) found.push(`\`\`\`${fence[1]!}`)
      open = !open
    } else if (open) found.push(doc[1]!.trim())
  }
  return found
}
