/**
 * Words of a command line or script that may be programs, by name or by absolute path. Which of them are, and lie outside
 * the system's folders, is found out by whoever opens them to the jail; a word that is none costs a look.
 */
export function programsIn(text: string): string[] {
  return [...new Set(text.match(/(?<![\w/$.-])(?:[a-z][\w.-]{1,30}|\/[\w./+-]{1,200})(?![\w/(=])/g) ?? [])].slice(0, 200)
}
