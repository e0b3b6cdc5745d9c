export type ApprovalStatus = 'open' | 'approved' | 'rejected' | 'expired' | 'void'

/** A request for a yes, bound to one exact diff and its evidence. */
export type Approval = {
  id: string
  candidateId: string
  status: ApprovalStatus
  diffHash: string
  evidenceHash: string
  requestedAt: string
  expiresAt: string
  decidedAt: string | null
  decidedBy: string | null
  /** 'terminal', 'inbox', 'yes-flag', 'trailer', 'import'. */
  via: string | null
  reason: string | null
  overrides: boolean
}

export type Question = {
  id: string
  candidateId: string
  text: string
  askedBy: string
  askedAt: string
  answer: string | null
  answeredBy: string | null
  answeredAt: string | null
}
