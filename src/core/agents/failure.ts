/** What a model may be told about a call that did not work; it goes back into the conversation, never to the terminal as it is. */
export type ToolFailureCode =
  | 'UNKNOWN_TOOL'
  | 'INVALID_PARAMS'
  | 'PATH_OUTSIDE'
  | 'PATH_DENIED'
  | 'PATH_LINK'
  | 'NOT_FOUND'
  | 'NOT_TEXT'
  | 'TOO_LARGE'
  | 'NOT_READ'
  | 'CHANGED_SINCE_READ'
  | 'NO_MATCH'
  | 'AMBIGUOUS_MATCH'
  | 'NOTHING_CHANGED'
  | 'SYNTAX'
  | 'PLACEHOLDER'
  | 'REDACTED'
  | 'PATCH_INVALID'
  | 'NOT_APPLIED'
  | 'RUN_DISABLED'
  | 'RUN_FAILED'
  | 'SEARCH_FAILED'
  | 'TOO_MANY_CALLS'
  | 'NOT_PARALLEL'
  | 'REPEATED'
  | 'CHECK_FAILED'
  | 'NO_PERSON'

/** A tool call that failed in an ordinary way. */
export class ToolFailure extends Error {
  readonly code: ToolFailureCode

  constructor(code: ToolFailureCode, message: string) {
    super(message)
    this.name = 'ToolFailure'
    this.code = code
  }
}
