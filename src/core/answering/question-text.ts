const PROJECT = /\b(?:this|the|our|my) (?:git )?(?:repo(?:sitory)?|project|code ?base)\b/gi

/** Longer texts are work, not a question about one fact. */
const LONGEST_QUESTION = 200

/**
 * A question with its courtesies taken off, so that the patterns of the answerers can demand the whole of what is left: "Could you tell
 * me what's the licence of this repo?" is "what is the licence". undefined: no single short question.
 */
export function bareQuestion(text: string): string | undefined {
  // every answerer asks for the same question
  if (last?.text !== text) last = { text, bare: bare(text) }
  return last.bare
}

let last: { text: string; bare: string | undefined } | undefined

function bare(text: string): string | undefined {
  const line = text.trim()
  if (line === '' || line.length > LONGEST_QUESTION || /[\r\n]/.test(line)) return undefined
  return line
    .replace(/\s+/g, ' ')
    .replace(/[?.!\s]+$/, '')
    .replace(/^(?:please|hey|hi|hello|ok|so)[, ]+/i, '')
    .replace(/^(?:can|could|would) you (?:please )?(?:tell|show) me,? /i, '')
    .replace(/^(?:please )?(?:tell|show) me:? /i, '')
    .replace(/,? (?:please|thanks|thank you)$/i, '')
    .replace(/\b(what|who|where|which)(?:'|’)s\b/gi, '$1 is')
    .replace(/\b(?:this|the|our|my) (?:repo(?:sitory)?|project|code ?base)(?:'|’)s\b/gi, 'the')
    .replace(PROJECT, 'the project')
    .replace(/ (?:in|of|for|used by|used in) the project$/i, '')
}
