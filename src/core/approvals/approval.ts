export type ApprovalStatus = 'open' | 'approved' | 'rejected' | 'expired' | 'void'

/** A request for a yes, bound to one exact diff and its evidence. */
export type Approval = {
  id: string
  candidate_id: string
  status: ApprovalStatus
  diff_hash: string
  evidence_hash: string
  requested_at: string
  expires_at: string
  decided_at: string | null
  decided_by: string | null
  /** 'terminal', 'inbox', 'yes-flag', 'trailer', 'import'. */
  via: string | null
  reason: string | null
  overrides: boolean
}

export type Question = {
  id: string
  /** What it is about; null while a conversation that will make a candidate waits for the answer. */
  candidate_id: string | null
  /** The run whose model asked. */
  run_id: string | null
  /** The conversation it was asked in. */
  session_id: string | null
  text: string
  asked_by: string
  asked_at: string
  answer: string | null
  answered_by: string | null
  answered_at: string | null
}
