/** What compilers and build tools print when they refuse a program. A test that prints such a line itself is rare. */
const REFUSED =
  /\[(?:build|setup) failed\]|\berror\[E\d{4}\]|could not compile `|\berror (?:TS|CS)\d{4}\b|\bTS\d{4,5}: |^[^\s:]+\.\w+:\d+(?::\d+)?: (?:fatal )?error:|^\[ERROR\] COMPILATION ERROR|^make(?:\[\d+\])?: \*\*\* .*\.o\]/m

/** Whether an output says that the code did not compile: then it says nothing about the tests. */
export function refusesToCompile(output: string): boolean {
  return REFUSED.test(output)
}
