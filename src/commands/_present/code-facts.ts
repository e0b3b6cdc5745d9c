import type { FoundFunction, FoundSymbol } from '../../core/app/code-facts.ts'
import type { Chunk } from '../../core/analysis/index.ts'
import { oneLine } from '../../core/kernel/index.ts'
import { paint } from '../_cli/paint.ts'
import { table } from './text.ts'

export function symbolsData(name: string, found: readonly FoundSymbol[]): Record<string, unknown> {
  return {
    name,
    results: found.map(({ path, line, column, kind, symbol, container, confidence }) => ({
      path,
      line,
      column,
      kind,
      symbol,
      container,
      confidence,
    })),
  }
}

export function presentSymbols(found: readonly FoundSymbol[]): string {
  if (found.length === 0) return 'Nothing found.'
  return table(
    found.map(({ path, line, column, kind, symbol, container, confidence }) => [
      `${path}:${line}:${column}`,
      kind,
      symbol === container || container === null || symbol.includes('.') ? symbol : `in ${container}`,
      confidence === 'exact' ? '' : confidence,
    ]),
    {
      grow: 0,
      paint: (_row, column, text) => (column === 0 ? paint('cyan', text) : column === 1 || column === 3 ? paint('dim', text) : text),
    },
  )
}

export function functionsData(found: readonly FoundFunction[]): Record<string, unknown> {
  return {
    functions: found.map(({ path, name, kind, lineStart, lineEnd, parameters, cyclomatic, cognitive, nesting }) => ({
      path,
      name,
      kind,
      line_start: lineStart,
      line_end: lineEnd,
      line_count: lineEnd - lineStart + 1,
      parameters,
      cyclomatic,
      cognitive,
      nesting,
    })),
  }
}

export function presentFunctions(found: readonly FoundFunction[]): string {
  if (found.length === 0) return 'No functions: of these files only the lines are known.'
  const figure = (value: number | null): string => String(value ?? '').padStart(4)
  const rows = found.map(({ path, name, kind, lineStart, lineEnd, cyclomatic, cognitive }) => [
    `${path}:${lineStart}`,
    oneLine(name ?? `(${kind})`),
    `${figure(lineEnd - lineStart + 1)} lines`,
    `${figure(cyclomatic)} cyclomatic`,
    `${figure(cognitive)} cognitive`,
  ])
  return table(rows, {
    grow: 0,
    paint: (_row, column, text) => (column === 0 ? paint('cyan', text) : column > 1 ? paint('dim', text) : text),
  })
}

type Found = Chunk & { path: string }

export function chunksData(found: readonly Found[]): Record<string, unknown> {
  return {
    chunks: found.map(({ path, lineStart, lineEnd, start, end, symbol, kind, hash }) => ({
      path,
      line_start: lineStart,
      line_end: lineEnd,
      byte_start: start,
      byte_end: end,
      symbol,
      kind,
      hash,
    })),
  }
}

export function presentChunks(found: readonly Found[]): string {
  if (found.length === 0) return 'No files with text here.'
  const rows = found.map(({ path, lineStart, lineEnd, symbol, names, kind }) => [
    `${path}:${lineStart}-${lineEnd}`,
    kind,
    oneLine(symbol ?? names.join(' ')),
  ])
  return table(rows, {
    grow: 2,
    paint: (_row, column, text) => (column === 0 ? paint('cyan', text) : column === 1 ? paint('dim', text) : text),
  })
}
