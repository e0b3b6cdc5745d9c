// Parts of a document that scripts write: between `<!-- NAME: begin -->` and `<!-- NAME: end -->`. The rest belongs to people.

/** The text with the part replaced by what `write` makes of the old one. Throws where the marks are missing. */
export function replacePart(text, name, write) {
  const [begin, end] = [`<!-- ${name}: begin -->`, `<!-- ${name}: end -->`]
  const [from, to] = [text.indexOf(begin), text.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`The document has no part "${name}" between ${begin} and ${end}.`)
  return `${text.slice(0, from + begin.length)}\n\n${write(text.slice(from + begin.length, to).trim())}\n\n${text.slice(to)}`
}

/** A table of rows that are objects; the columns are all their keys in the order they turn up. */
export function withRows(rows) {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))]
  const line = (cells) => `| ${cells.join(' | ')} |`
  const cell = (value) => String(value ?? '').replaceAll('|', '\\|')
  return [
    line(columns),
    `|${columns.map(() => '---').join('|')}|`,
    ...rows.map((row) => line(columns.map((column) => cell(row[column])))),
  ].join('\n')
}

function readTable(text) {
  const [head, , ...body] = text.split('\n').filter((each) => each.startsWith('|'))
  const cells = (each) =>
    each
      .slice(1, each.lastIndexOf('|'))
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim().replaceAll('\\|', '|'))
  if (!head) return []
  const columns = cells(head)
  return body.map((each) => Object.fromEntries(cells(each).map((cell, index) => [columns[index], cell])))
}

/** The old table with the rows of the same name replaced and new ones added, in the order of `names`. */
export function mergeTable(old, rows, names) {
  const merged = new Map([...readTable(old), ...rows].map((row) => [row.name, row]))
  const place = (name) => (names.includes(name) ? names.indexOf(name) : names.length)
  const columns = [...new Set(rows.concat([...merged.values()]).flatMap((row) => Object.keys(row)))]
  const whole = (row) => Object.fromEntries(columns.map((column) => [column, row[column]]))
  return withRows([...merged.values()].toSorted((a, b) => place(a.name) - place(b.name)).map(whole))
}
