export type CompletionFlag = { name: string; summary: string; takesValue: boolean; options: readonly string[] }
export type CompletionCommand = { words: readonly string[]; summary: string; flags: readonly CompletionFlag[] }
export type Shell = 'bash' | 'zsh' | 'fish'

/** What of oclif's manifest is needed. */
type ManifestFlag = {
  name: string
  type: string
  description?: string | undefined
  summary?: string | undefined
  options?: readonly string[] | undefined
  allowNo?: boolean | undefined
  hidden?: boolean | undefined
}
type ManifestCommand = {
  id: string
  summary?: string | undefined
  hidden?: boolean | undefined
  flags: Readonly<Record<string, ManifestFlag>>
}

/** The commands of the manifest as a shell needs them. */
export function completionCommands(commands: readonly ManifestCommand[]): CompletionCommand[] {
  return commands
    .filter(({ hidden }) => !hidden)
    .map(({ id, summary, flags }) => ({
      words: id.split(':'),
      summary: plain(summary ?? ''),
      flags: Object.values(flags)
        .filter(({ hidden }) => !hidden)
        .flatMap(({ name, type, description, summary: short, options, allowNo }) => {
          const flag = { name, summary: plain(short ?? description ?? ''), takesValue: type === 'option', options: options ?? [] }
          return allowNo ? [flag, { ...flag, name: `no-${name}` }] : [flag]
        }),
    }))
    .toSorted((a, b) => (a.words.join(' ') < b.words.join(' ') ? -1 : 1))
}

/** One line without anything a shell could read as its own. */
function plain(text: string): string {
  return text
    .replaceAll(/['"`$\\[\]:<>%]/g, '')
    .split('\n')[0]!
    .trim()
}

/** The script to source. `names` are the names of the program. */
export function completionScript(shell: Shell, commands: readonly CompletionCommand[], names: readonly string[]): string {
  return { bash, zsh, fish }[shell](commands, names)
}

function firstWords(commands: readonly CompletionCommand[]): { word: string; summary: string }[] {
  const seen = new Map<string, string>()
  for (const { words, summary } of commands) {
    const isTopic = words.length > 1 && !commands.some((other) => other.words.length === 1 && other.words[0] === words[0])
    if (words.length === 1 || (isTopic && !seen.has(words[0]!))) seen.set(words[0]!, isTopic ? `Commands below ${words[0]}` : summary)
  }
  return [...seen].map(([word, summary]) => ({ word, summary }))
}

/** What may stand behind these words (`code`, `code languages`): the first command of each next word. */
function topics(commands: readonly CompletionCommand[]): Map<string, CompletionCommand[]> {
  const found = new Map<string, CompletionCommand[]>()
  for (const command of commands)
    for (let depth = 1; depth < command.words.length; depth++) {
      const below = found.get(command.words.slice(0, depth).join(' ')) ?? []
      if (below.every(({ words }) => words[depth] !== command.words[depth])) below.push(command)
      found.set(command.words.slice(0, depth).join(' '), below)
    }
  return found
}

const depthOf = (topic: string): number => topic.split(' ').length

const dashed = ({ flags }: CompletionCommand): string => flags.map(({ name }) => `--${name}`).join(' ')

/** Finds the command with the most words. */
function bashCommand(commands: readonly CompletionCommand[], depth: number): string {
  if (depth === 0) return ''
  const cases = commands
    .filter(({ words }) => words.length === depth)
    .map((each) => `    '${each.words.join(' ')}') command='${each.words.join(' ')}' flags='${dashed(each)}' ;;\n`)
  return `  case "\${words[*]:0:${depth}}" in\n${cases.join('')}    *)\n${bashCommand(commands, depth - 1)} ;;\n  esac`
}

function bash(commands: readonly CompletionCommand[], names: readonly string[]): string {
  const values = commands.flatMap(({ words, flags }) =>
    flags
      .filter(({ options }) => options.length > 0)
      .map(({ name, options }) => `    '${words.join(' ')} --${name}') choices='${options.join(' ')}' ;;`),
  )
  const taking = [
    ...new Set(
      commands.flatMap(({ flags }) =>
        flags.filter(({ takesValue, options }) => takesValue && options.length === 0).map(({ name }) => `--${name}`),
      ),
    ),
  ]
  return `# bash completion for ${names.join(', ')}
#   source <(${names[0]} completion bash)
_${names[0]}() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" command='' choices='' flags='' word
  local -a words=()
  if [[ $current == '=' ]]; then current=''
  elif [[ $previous == '=' ]]; then previous="\${COMP_WORDS[COMP_CWORD-2]}"; fi
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do [[ $word == -* || $word == '=' ]] || words+=("$word"); done
  COMPREPLY=()
${bashCommand(commands, Math.max(1, ...commands.map(({ words }) => words.length)))}
  case "$command $previous" in
${values.join('\n')}
  esac
  if [[ -z $choices ]]; then
    case "$previous" in
      ${taking.join('|') || '--'}) return ;; # a file, or something only you know
    esac
    if [[ $current == -* ]]; then choices="$flags"
    elif [[ \${#words[@]} -eq 0 ]]; then choices='${firstWords(commands)
      .map(({ word }) => word)
      .join(' ')}'
    else
      case "\${words[*]}" in
${[...topics(commands)].map(([topic, below]) => `        '${topic}') choices='${below.map(({ words }) => words[depthOf(topic)]).join(' ')}' ;;`).join('\n')}
      esac
    fi
  fi
  COMPREPLY=($(compgen -W "$choices" -- "$current"))
}
complete -o default -F _${names[0]} ${names.join(' ')}
`
}

function zsh(commands: readonly CompletionCommand[], names: readonly string[]): string {
  const entry = (word: string, summary: string): string => `'${word}:${summary}'`
  const flagSpec = ({ name, summary, takesValue, options }: CompletionFlag): string =>
    `'*--${name}[${summary}]${takesValue ? `:${name}:${options.length > 0 ? `(${options.join(' ')})` : '_files'}` : ''}'`
  const cases = commands.map((each) => `    '${each.words.join(' ')}') _arguments ${each.flags.map(flagSpec).join(' ')} '*:file:_files' ;;`)
  return `#compdef ${names.join(' ')}
# zsh completion for ${names.join(', ')}: source <(${names[0]} completion zsh), after compinit
_${names[0]}() {
  local -a choices
  if (( CURRENT == 2 )); then
    choices=(${firstWords(commands)
      .map(({ word, summary }) => entry(word, summary))
      .join(' ')})
    _describe command choices
    return
  fi
  local command="$words[2]"
  case "$command" in
${[...topics(commands)]
  .filter(([topic]) => depthOf(topic) === 1)
  .map(
    ([topic, below]) => `    ${topic})
      if (( CURRENT == 3 )); then
        choices=(${below.map(({ words, summary }) => entry(words[1]!, summary)).join(' ')})
        _describe command choices
        return
      fi
      command="$words[2] $words[3]"
      shift words; (( CURRENT-- )) ;;`,
  )
  .join('\n')}
  esac
  case "$command $words[3]" in
${commands
  .filter(({ words }) => words.length === 3)
  .map(
    ({ words }) => `    '${words.join(' ')}')
      command='${words.join(' ')}'
      shift words; (( CURRENT-- )) ;;`,
  )
  .join('\n')}
  esac
  shift words; (( CURRENT-- ))
  case "$command" in
${cases.join('\n')}
  esac
}
if [[ $funcstack[1] == _${names[0]} ]]; then _${names[0]} "$@"; else compdef _${names[0]} ${names.join(' ')}; fi
`
}

function fish(commands: readonly CompletionCommand[], names: readonly string[]): string {
  const below = topics(commands)
  const lines: string[] = []
  for (const name of names) {
    for (const { word, summary } of firstWords(commands))
      lines.push(`complete -c ${name} -f -n __fish_use_subcommand -a ${word} -d '${summary}'`)
    for (const [topic, children] of below) {
      const at = depthOf(topic)
      const seen = topic.split(' ').map((word) => `__fish_seen_subcommand_from ${word}`)
      const others = children.map(({ words }) => words[at]).join(' ')
      for (const { words, summary } of children)
        lines.push(
          `complete -c ${name} -f -n '${seen.join('; and ')}; and not __fish_seen_subcommand_from ${others}' -a ${words[at]} -d '${summary}'`,
        )
    }
    for (const { words, flags } of commands) {
      const seen = words.map((word) => `__fish_seen_subcommand_from ${word}`).join('; and ')
      for (const { name: flag, summary, takesValue, options } of flags) {
        const value = !takesValue ? '' : options.length > 0 ? ` -x -a '${options.join(' ')}'` : ' -r'
        lines.push(`complete -c ${name} -n '${seen}' -l ${flag}${value} -d '${summary}'`)
      }
    }
  }
  return `# fish completion for ${names.join(', ')}: ${names[0]} completion fish | source\n${lines.join('\n')}\n`
}
