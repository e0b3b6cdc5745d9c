import picomatch from 'picomatch'

/** `src` and `src/` mean everything below; a glob without `/` is for the name. */
export function globOf(text: string): (path: string) => boolean {
  const plain = text.replace(/\/$/, '')
  if (!/[*?[{(!]/.test(plain)) return (path) => path === plain || path.startsWith(`${plain}/`)
  return picomatch(text, { dot: true, basename: !text.includes('/') })
}
