import { printParseErrorCode, visit } from 'jsonc-parser'

/** Where a text stops being JSON. `position` counts characters from 0, line and column from 1. */
export type JsonBreak = { position: number; line: number; column: number; error: string; preview: string }

const PREVIEW = 100

/** V8 tells no position for most errors; this always does, and the first 100 characters from a little before it. */
export function findBreak(text: string): JsonBreak {
  let first: { error: string; position: number } | undefined
  visit(
    text,
    {
      onError: (error, position) => {
        first ??= { error: printParseErrorCode(error), position }
      },
    },
    { disallowComments: true, allowEmptyContent: false, allowTrailingComma: false },
  )
  const { error, position } = first ?? { error: 'InvalidSymbol', position: 0 }
  const before = text.slice(0, position)
  const lineStart = before.lastIndexOf('\n') + 1
  const from = Math.max(0, position - PREVIEW / 2)
  return {
    position,
    line: before.split('\n').length,
    column: position - lineStart + 1,
    error,
    preview: text.slice(from, from + PREVIEW),
  }
}

/** Keys that stand twice in one object, as paths: `JSON.parse` silently takes the last one. */
export function findRepeatedKeys(text: string): string[] {
  const repeated: string[] = []
  const open: Set<string>[] = []
  visit(text, {
    onObjectBegin: () => void open.push(new Set()),
    onObjectEnd: () => void open.pop(),
    onObjectProperty: (key, _offset, _length, _line, _character, pathOf) => {
      const keys = open.at(-1)!
      if (keys.has(key)) repeated.push([...pathOf(), key].filter((part) => typeof part === 'string').join('.'))
      keys.add(key)
    },
  })
  return repeated
}
