// Functions with their comments, by lexical rules per language. It only has to be right often: what it cannot read it leaves out.

const KEYWORDS = new Set(
  'if for while switch return catch function new class else do try with match loop unsafe sizeof defined foreach elseif synchronized constructor super'.split(
    ' ',
  ),
)
/** How each language writes comments and strings; `char` means that a quote opens one character only. */
const SYNTAX = {
  javascript: { line: '//', quotes: '"\'`', regex: true },
  typescript: { line: '//', quotes: '"\'`', regex: true },
  java: { line: '//', quotes: '"', char: true },
  c: { line: '//', quotes: '"', char: true },
  go: { line: '//', quotes: '"`', char: true },
  rust: { line: '//', quotes: '"', char: true },
  php: { line: '//', hash: true, quotes: '"\'' },
}
const EXTENSIONS = {
  javascript: /\.(?:js|mjs|cjs)$/,
  typescript: /(?<!\.d)\.tsx?$/,
  java: /\.java$/,
  c: /\.c$/,
  go: /\.go$/,
  rust: /\.rs$/,
  php: /\.php$/,
  python: /\.py$/,
  ruby: /\.rb$/,
}
const PROSE = /\.(?:md|markdown|rst|adoc)$/i
const UNWANTED =
  /(?:^|\/)(?:tests?|specs?|__tests__|testing|testdata|fixtures?|mocks?|vendor|third_party|node_modules|examples?|bench(?:marks)?|locales?|i18n|generated|umd|cjs|dist\/(?:umd|cjs|node|lib)|debian)\/|(?:_test|\.test|\.spec|_spec|Test|Tests|\.min|\.pb|_pb2|\.gen|_generated)\.\w+$|(?:^|\/)test_[^/]*$|changelog|changes|history|news|license|copying|authors/i

export function isWanted(path, language) {
  return !UNWANTED.test(path) && (PROSE.test(path) || EXTENSIONS[language].test(path))
}

/** @returns {{kind: 'doc' | 'name' | 'heading', query: string, name: string, body: string}[]} */
export function extractPairs(path, text, language) {
  if (PROSE.test(path)) return sections(text, path)
  if (/generated (?:by|from)|do not edit|@generated/i.test(text.slice(0, 1500))) return []
  if (
    text.length > 1_500_000 ||
    text
      .slice(0, 4000)
      .split('\n')
      .some((line) => line.length > 1500)
  )
    return []
  const functions =
    language === 'python' ? pythonFunctions(text) : language === 'ruby' ? rubyFunctions(text) : braceFunctions(text, language)
  return functions.flatMap(({ name, doc, body }) => {
    const lines = body.split('\n').filter((line) => line.trim() !== '')
    if (
      lines.length < 4 ||
      body.length > 8000 ||
      body.length < 60 ||
      /^__|^(?:main|init|setUp|tearDown|toString|equals|hashCode)$/.test(name)
    )
      return []
    const code = lines.join('\n')
    const query = firstSentence(doc)
    return [{ kind: query ? 'doc' : 'name', query: query ?? '', name, body: code }]
  })
}

/** The first sentence of a comment as plain words; nothing where it says too little or is not about the code. */
function firstSentence(doc) {
  if (!doc) return undefined
  const plain = doc
    .replace(/\{@(?:link|code|linkplain|literal|value)\s+([^}]*)\}/g, '$1')
    .replace(/<(?:[a-z/][^>]*)>/gi, ' ')
    .replace(/:\w+:`~?([^`]*)`/g, '$1')
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/[`*]/g, '')
  const paragraph = plain.trim().split(/\n\s*(?:\n|[@\\:-]|={3}|\w+:\s*\n|>>>|#)/)[0]
  const sentence = (/^[\s\S]*?(?:[.!?:](?=\s|$)|$)/.exec(paragraph)?.[0] ?? '').replace(/\s+/g, ' ').trim()
  const words = sentence.match(/[A-Za-z]{2,}/g) ?? []
  if (words.length < 4 || words.length > 60 || sentence.length > 400) return undefined
  if (
    /^[@\\]|copyright|licen[cs]ed?|todo|fixme|deprecated|inheritdoc|\bsee (?:also|above|below)\b|eslint|istanbul|pylint|nolint/i.test(
      sentence,
    )
  )
    return undefined
  const ascii = sentence.replace(/[^ -~]/g, '')
  return ascii.length >= sentence.length * 0.95 && words.join('').length >= sentence.length * 0.6 ? sentence : undefined
}

/** Reads over strings, comments and brackets. Gives the end of the block opened at `open` and its text without comments. */
function readBlock(text, open, { line, hash, quotes, char, regex }) {
  const parts = []
  let depth = 0
  let from = open
  let last = ''
  for (let at = open; at < text.length && at - open < 12_000; at += 1) {
    const c = text[at]
    if (c === '{' || c === '(' || c === '[') depth += 1
    else if (c === '}' || c === ')' || c === ']') {
      depth -= 1
      if (depth === 0) {
        parts.push(text.slice(from, at + 1))
        return { end: at + 1, text: parts.join('') }
      }
    } else if (text.startsWith(line, at) || (hash && c === '#' && text[at + 1] !== '[')) {
      parts.push(text.slice(from, at))
      at = text.indexOf('\n', at) - 1
      if (at < 0) return undefined
      from = at + 1
      continue
    } else if (c === '/' && text[at + 1] === '*') {
      parts.push(text.slice(from, at), ' ')
      at = text.indexOf('*/', at + 2) + 1
      if (at < 1) return undefined
      from = at + 1
      continue
    } else if (quotes.includes(c)) {
      at = closing(text, at, c)
      if (at < 0) return undefined
    } else if (char && c === "'") {
      const literal = /^'(?:\\.[^']{0,8}|[^'\\\n])'/.exec(text.slice(at, at + 14))
      if (literal) at += literal[0].length - 1
    } else if (
      regex &&
      c === '/' &&
      (last === '' || '(,=:[!&|?{};+-*%<>~^'.includes(last) || /\breturn\s*$/.test(text.slice(at - 10, at)))
    ) {
      const literal = /^\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\//.exec(text.slice(at, at + 400))
      if (literal) at += literal[0].length - 1
    }
    if (c.trim() !== '') last = c
  }
  return undefined
}

function closing(text, at, quote) {
  for (let next = at + 1; next < text.length && next - at < 6000; next += 1) {
    if (text[next] === '\\' && quote !== '`') next += 1
    else if (text[next] === '\\') next += 1
    else if (text[next] === quote) return next
    else if (text[next] === '\n' && quote !== '`' && quote !== '"' && quote !== "'") return -1
  }
  return -1
}

const SIGNATURES = {
  javascript:
    /^[ \t]*(?:(?:export|default|async|static|get|set|public|private|protected|override|readonly|declare|abstract)\s+)*(?:function\s*\*?\s*([\w$]+)\s*(?=[(<])|(?:const|let|var)?\s*(?:[\w$]+\.)*#?([\w$]+)\s*(?:[:=]\s*(?:async\s*)?(?:function\b[^(]*)?(?=\()|\s*(?=[(<])))/gm,
  java: /^[ \t]*(?:@\w+(?:\([^)\n]*\))?\s+)*(?:(?:public|private|protected|static|final|abstract|synchronized|native|default)\s+)*(?:<[^>\n]+>\s+)?[\w.<>[\],? ]+?\s+(\w+)\s*(?=\()/gm,
  go: /^func\s+(?:\([^)]*\)\s*)?(\w+)\s*(?=[([])/gm,
  rust: /^[ \t]*(?:pub(?:\([^)]*\))?\s+)?(?:(?:const|async|unsafe|extern(?:\s+"[^"]*")?)\s+)*fn\s+(\w+)\s*(?=[(<])/gm,
  php: /^[ \t]*(?:(?:public|private|protected|static|final|abstract)\s+)*function\s+&?(\w+)\s*(?=\()/gm,
  c: /^(?:[A-Za-z_][\w\s*]*?[\s*])?\**(\w+)\s*(?=\()/gm,
}
SIGNATURES.typescript = SIGNATURES.javascript

function braceFunctions(text, language) {
  const found = []
  const syntax = SYNTAX[language]
  const pattern = new RegExp(SIGNATURES[language].source, 'gm')
  for (let match = pattern.exec(text); match; match = pattern.exec(text)) {
    const name = match[1] ?? match[2]
    if (match[0].length === 0) {
      pattern.lastIndex += 1
      continue
    }
    if (!name || KEYWORDS.has(name) || /\b(?:return|else|new|throw)\b/.test(match[0])) continue
    const parameters = text.indexOf('(', match.index + match[0].length)
    if (parameters < 0 || parameters - match.index - match[0].length > 200) continue
    const list = readBlock(text, parameters, syntax)
    if (!list) continue
    const gap = /^[^;{}=]{0,300}?(?:=>\s*)?(?=\{)/.exec(text.slice(list.end, list.end + 320))
    if (!gap) continue
    const open = list.end + gap[0].length
    const block = readBlock(text, open, syntax)
    if (!block) continue
    found.push({ name, doc: commentBefore(text, match.index, language), body: `${match[0].trim()}${list.text}${gap[0]}${block.text}` })
    pattern.lastIndex = language === 'javascript' || language === 'typescript' ? open + 1 : block.end
  }
  return found
}

/** The comment that ends right before a position, without its marks. Attributes and decorators may stand between. */
function commentBefore(text, position, language) {
  const lines = text.slice(Math.max(0, position - 6000), position).split('\n')
  lines.pop()
  while (lines.length > 0 && /^\s*(?:#\[|@\w|#!\[)/.test(lines.at(-1))) lines.pop()
  const last = lines.at(-1)?.trim() ?? ''
  if (last.endsWith('*/')) {
    const block = []
    while (lines.length > 0) {
      const line = lines.pop()
      block.unshift(line)
      if (line.includes('/*')) break
    }
    return block.map((line) => line.replace(/^\s*\/\*[*!]?|\*\/\s*$/g, '').replace(/^\s*\*+ ?/, '')).join('\n')
  }
  const mark = language === 'rust' ? /^\s*\/\/\/ ?/ : /^\s*\/\/ ?/
  const block = []
  while (lines.length > 0 && mark.test(lines.at(-1))) block.unshift(lines.pop().replace(mark, ''))
  return block.length > 0 ? block.join('\n') : undefined
}

function pythonFunctions(text) {
  const found = []
  const lines = text.split('\n')
  for (let at = 0; at < lines.length; at += 1) {
    const head = /^(\s*)(?:async\s+)?def\s+(\w+)\s*\(/.exec(lines[at])
    if (!head) continue
    let start = at
    while (start < lines.length && start - at < 30 && !/:\s*(?:#.*)?$/.test(lines[start])) start += 1
    const indent = head[1].length
    let end = start + 1
    while (end < lines.length && (lines[end].trim() === '' || /^\s*/.exec(lines[end])[0].length > indent)) end += 1
    const rest = lines.slice(start + 1, end).join('\n')
    const docstring = /^\s*[rRuU]?("""|''')([\s\S]*?)\1/.exec(rest)
    const code = (docstring ? rest.slice(docstring[0].length) : rest).replace(/^\s*#.*$|(?<=\s)# .*$/gm, '')
    found.push({
      name: head[2],
      doc: docstring?.[2].replace(/^[ \t]+/gm, ''),
      body: `${lines
        .slice(at, start + 1)
        .join('\n')
        .trim()}\n${code.trimEnd()}`,
    })
  }
  return found
}

function rubyFunctions(text) {
  const found = []
  const lines = text.split('\n')
  for (let at = 0; at < lines.length; at += 1) {
    const head = /^(\s*)def\s+(?:self\.)?(\w+[?!=]?)/.exec(lines[at])
    if (!head) continue
    let end = at + 1
    while (end < lines.length && end - at < 200 && !(lines[end].startsWith(`${head[1]}end`) && lines[end].trim() === 'end')) end += 1
    if (lines[end]?.trim() !== 'end') continue
    let top = at
    while (top > 0 && /^\s*#/.test(lines[top - 1])) top -= 1
    const doc = lines
      .slice(top, at)
      .map((line) => line.replace(/^\s*#+ ?/, ''))
      .join('\n')
      .replace(/<\/?tt>|\+/g, '')
    const body = lines
      .slice(at, end + 1)
      .filter((line) => !/^\s*#/.test(line))
      .join('\n')
    found.push({ name: head[2].replace(/[?!=]$/, ''), doc: doc || undefined, body })
  }
  return found
}

/** Headings of documents with what stands below them. */
function sections(text, path) {
  const pattern = /\.rst$/i.test(path) ? /^(\S.{2,80})\n[=\-~^"']{3,}$/gm : /^#{1,5}\s+(.{3,80}?)\s*#*$/gm
  const heads = [...text.matchAll(pattern)]
  return heads.flatMap((head, index) => {
    const body = text.slice(head.index + head[0].length, heads[index + 1]?.index ?? text.length).trim()
    const query = head[1].replace(/[`*]|\[([^\]]*)\]\([^)]*\)/g, '$1').trim()
    const words = query.match(/[A-Za-z]{2,}/g) ?? []
    if (
      words.length < 2 ||
      body.length < 120 ||
      body.length > 6000 ||
      /licen[cs]e|copyright|contribut|changelog|table of contents|sponsors|\d+\.\d+/i.test(query)
    )
      return []
    return [{ kind: 'heading', query, name: '', body: body.slice(0, 3000) }]
  })
}
