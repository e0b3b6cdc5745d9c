import type { FileFacts } from '../parsing/index.ts'

/** Who reads facts out of files: the best engine this machine has per language. */
export type FactReader = {
  /** The language of a file, `text` where none is known. */
  detect(path: string, firstLine: string): Promise<string>
  /** Changes whenever the facts of any language might. Cheap: every search asks for it. */
  version(): string
  /** What facts depend on besides the bytes: version of the table, the grammar and the engine. */
  key(language: string): Promise<string>
  /** In the order of the files; `null` where only the bytes are known. Never rejects because of what a file says. */
  read(files: readonly { path?: string; language: string; bytes: Uint8Array }[]): Promise<(FileFacts | null)[]>
  /** For who reads the same files again and again; until what is answered is called. */
  stay?(): () => void
}
