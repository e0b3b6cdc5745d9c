const MARK = String.raw`(?://+|#+|/?\*+|<!--|--|;+|%|"""|\{/\*)`
const NOUN = String.raw`(?:code|file|function|class|method|implementation|component|module|program|contents?|body|logic|imports?|methods|functions|lines|tests?)`
const TAIL = String.raw`(?:\s+(?:here|as (?:is|before)|(?:is |are |stays? |remains? |goes? )*(?:unchanged|the same|here|above|below|omitted)))*`
const LAZY = new RegExp(
  String.raw`^\s*${MARK}\s*[([]?(?:\.{3,}|…)?\s*(?:` +
    [
      String.raw`(?<=\.{3,}\s*|…\s*)`,
      String.raw`(?:the )?(?:rest|remainder) of (?:the |this |your )?${NOUN}${TAIL}`,
      String.raw`(?:the |your |all )?(?:existing|remaining|previous|other|unchanged|same|original) ${NOUN}${TAIL}`,
      String.raw`(?:${NOUN}|everything else|all else)s? (?:is |are |stays? |remains? |left )*(?:unchanged|omitted|the same|as (?:is|before))`,
      String.raw`(?:unchanged|same as (?:before|above)|no changes?(?: here)?|keep (?:the )?(?:rest|existing).{0,40}|(?:your|add|insert) code here)`,
    ].join('|') +
    String.raw`)\s*(?:for brevity)?\s*(?:\.{3,}|…)?[)\]]?[.:]?\s*(?:\*/\}?|-->|""")?\s*$`,
  'i',
)
const BARE = /^\s*(?:\.\.\.|…)\s*$/

/** The first new line that stands for code somebody was too lazy to write; null where there is none. */
export function findPlaceholder(path: string, before: string, next: string): string | null {
  const known = new Set(before.split('\n').map((line) => line.trim()))
  const bareCounts = !/\.(?:pyi?|md|txt|rst)$/i.test(path)
  const lazy = next.split('\n').find((line) => !known.has(line.trim()) && (LAZY.test(line) || (bareCounts && BARE.test(line))))
  return lazy?.trim() ?? null
}
