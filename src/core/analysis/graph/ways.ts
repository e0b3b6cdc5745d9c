/** Ways to other files that no import statement names, per family of languages: looked for in code without comments and strings. */
export type Ways = {
  /** Imported modules with which a file does what nobody can follow. */
  programs: RegExp
  programReason: string
  /** Code that reaches modules on computed ways. */
  computed: RegExp
  /** Code that reads files or folders. */
  reads: RegExp
  /** A call whose first string names a module. */
  named: RegExp | null
  /** What looks like an import in the text of a file that does not parse: rather too much than too little. */
  loose: RegExp | null
}

const STARTS = 'it starts programs'

export const COMPUTED = 'an import by a computed name'

export const SCRIPT_WAYS: Ways = {
  programs:
    /^(?:(?:node:)?(?:child_process|worker_threads|cluster|vm)|execa|cross-spawn|zx|tinyexec|nano-spawn|shelljs|proxyquire|rewire|esmock)$/,
  programReason: STARTS,
  computed:
    /\b(?:import|require)\s*\(\s*(?!(["'`])\s*\1\s*[,)])[^)\s]|\bimport\.meta\.(?:glob|resolve)\b|\brequire\.context\b|\b(?:proxyquire|rewire)\b/,
  reads: /\b(?:readFile|readFileSync|createReadStream|readdir|readdirSync|globSync|glob|globby|opendir|openSync)\b/,
  named:
    /\b(?:mock|doMock|unmock|dontMock|setMock|requireMock|requireActual|importActual|importOriginal|importMock|mockModule|unstable_mockModule|createMockFromModule|genMockFromModule)\s*(?:<[^>()]*>)?\s*\(\s*(?=['"`])|\bnew\s+URL\s*\(\s*(?=['"`])|\brequire\.resolve\s*\(\s*(?=['"`])/g,
  loose: /(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire\s*\(\s*)(['"])([^'"\n]+)\1/g,
}

export const PYTHON_WAYS: Ways = {
  programs: /^(?:subprocess|multiprocessing|pexpect|sh|runpy|pkgutil)$/,
  programReason: STARTS,
  computed:
    /\bimportlib\.(?:util|machinery|reload)\b|\bspec_from_file_location\b|\bload_source\b|\bentry_points\b|(?<![.\w])exec(?:file)?\s*\(|\b(?:import_module|__import__|importorskip)\s*\(\s*(?!["')\s])/,
  reads: /\bopen\s*\(|\bread_(?:text|bytes)\b|\bglob\b|\biterdir\b|\bos\.(?:walk|listdir|scandir)\b|\bgetsource\b|\bdoctest\b/,
  named: /\b(?:patch|import_module|__import__|importorskip|setattr)\s*\(\s*f?(?=["'])/g,
  loose: null,
}
export const PYTHON_STARTS = /\bos\.(?:system|popen|exec\w+|spawn\w+)\s*\(/

export const GO_WAYS: Ways = {
  programs: /^(?:os\/exec|plugin|go\/(?:parser|build|importer)|golang\.org\/x\/tools\/go\/\w+)$/,
  programReason: 'it starts programs or reads Go sources',
  computed: /(?!)/,
  reads: /\.(?:ReadFile|Open|ReadDir|WalkDir|Walk|Glob)\(/,
  named: null,
  loose: null,
}

/** What other languages have in common. */
export const OTHER_WAYS: Ways = {
  programs: /(?!)/,
  programReason: STARTS,
  computed: /(?!)/,
  reads: /\b(?:open|read_?file|File\.read|read_to_string|include_str|fopen|file_get_contents|slurp|readAllBytes|readString)\b/i,
  named: null,
  loose: null,
}
