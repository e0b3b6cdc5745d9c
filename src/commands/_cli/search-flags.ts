import { EMBEDDING_FLAGS } from './embedding-flags.ts'
import { Flags } from './oclif.ts'

/** What to look for, how, and how much of it is told. */
export const SEARCH_FLAGS = {
  kind: Flags.option({ options: ['code', 'symbol', 'knowledge'] as const })({
    description: 'What to look for.',
    env: 'SINGULARITY_KIND',
  }),
  language: Flags.string({ description: 'Only files of this language.', helpValue: 'LANGUAGE', env: 'SINGULARITY_LANGUAGE' }),
  path: Flags.string({ description: 'Only files this glob fits.', helpValue: 'GLOB', env: 'SINGULARITY_PATH' }),
  limit: Flags.integer({ description: 'Most results (10; 5 for knowledge).', min: 1, max: 1000, env: 'SINGULARITY_LIMIT' }),
  explain: Flags.boolean({ description: 'Tell what made each score.', env: 'SINGULARITY_EXPLAIN' }),
  evidence: Flags.boolean({
    description: 'Tell what the history knows of each result: tests that reach it, blind spots, hot spots, the last fix.',
    env: 'SINGULARITY_EVIDENCE',
  }),
  index: Flags.boolean({
    description: 'Where there is no index: build it after the answer, for ten seconds at most (--no-index: do not).',
    allowNo: true,
    env: 'SINGULARITY_INDEX',
  }),
  lexical: Flags.boolean({ description: 'By words only, without the model.', env: 'SINGULARITY_LEXICAL' }),
  ...EMBEDDING_FLAGS,
  'max-tokens': Flags.integer({
    description: 'Only as many whole results as fit into so many tokens (about 4 characters each).',
    min: 1,
    env: 'SINGULARITY_MAX_TOKENS',
  }),
  browse: Flags.boolean({
    description: 'Look with live results and a preview, on a terminal; so does a search without a query there.',
    env: 'SINGULARITY_BROWSE',
  }),
  open: Flags.boolean({ description: 'With --browse: enter opens the place in $VISUAL or $EDITOR.', env: 'SINGULARITY_OPEN' }),
  stdin: Flags.boolean({
    description: 'Answer one JSON query per line of standard input, one line each: {"query": "...", "limit": 5, "max_tokens": 2000}.',
    env: 'SINGULARITY_STDIN',
  }),
  jsonl: Flags.boolean({ description: 'With --stdin: the form of its answers, which is the only one.', env: 'SINGULARITY_JSONL' }),
}
