/** In the words of the indexes of what has ended. */
const COMPLETED = `queue = 'llm_requests' AND finished_at IS NOT NULL AND state = 'completed'`
const FAILED = `queue = 'llm_requests' AND finished_at IS NOT NULL AND state IN ('dead', 'cancelled')`
const ENDED = `queue = 'llm_requests' AND finished_at IS NOT NULL AND state IN ('completed', 'dead', 'cancelled')`

/** The questions of `queue stats`. */
export const STATISTICS = {
  backlog: `SELECT count(*) FILTER (WHERE state = 'available') AS pending, count(*) FILTER (WHERE state = 'running') AS processing,
    min(created_at) FILTER (WHERE state = 'available') AS oldest
    FROM job WHERE (queue = 'llm_requests') = ? AND state IN ('available', 'running')`,
  messages: `SELECT queue.name AS queue, count(message.id) AS waiting, min(enqueued_at) AS oldest, paused FROM queue
    LEFT JOIN message ON message.queue = queue.name AND acked_at IS NULL WHERE named = 1 GROUP BY queue.name ORDER BY queue.name`,
  pendingByAgent: `SELECT agent_id, count(*) AS pending FROM job WHERE queue = 'llm_requests' AND state = 'available'
    GROUP BY agent_id ORDER BY pending DESC, agent_id`,
  completedSince: `SELECT count(*) AS n FROM job WHERE ${COMPLETED} AND updated_at >= ?`,
  withValidationErrors: `SELECT id, agent_id, error_message FROM job JOIN job_result USING (seq)
    WHERE ${FAILED} AND json_type(result, '$.validation_errors') = 'array'
    ORDER BY updated_at DESC LIMIT ?`,
  outages: `SELECT reason, count(*) AS failed, max(updated_at) AS last FROM job
    WHERE ${FAILED} AND reason LIKE 'provider_unavailable%' GROUP BY reason ORDER BY failed DESC, reason`,
  successBy: (column: 'agent_id' | 'task_type') => `SELECT ${column} AS name, count(*) FILTER (WHERE state = 'completed') AS completed,
    count(*) FILTER (WHERE state <> 'completed') AS failed FROM job WHERE ${ENDED}
    GROUP BY ${column} ORDER BY ${column}`,
  withToolCalls: `SELECT count(*) AS n FROM job JOIN job_result USING (seq)
    WHERE ${COMPLETED} AND json_array_length(result, '$.tool_calls') > 0`,
  toolTypes: `SELECT coalesce(tool.value ->> '$.tool_name', '') AS tool_name, count(*) AS calls
    FROM job JOIN job_result USING (seq), json_each(result, '$.tool_calls') AS tool
    WHERE ${COMPLETED} GROUP BY tool_name ORDER BY calls DESC, tool_name`,
  failedToolCalls: `SELECT id, agent_id, error_message FROM job JOIN job_data USING (seq)
    WHERE ${FAILED} AND reason LIKE 'malformed_response%'
    AND (json_array_length(payload, '$.tools') > 0 OR json_type(payload, '$.response_schema.properties.tool_calls') IS NOT NULL)
    ORDER BY updated_at DESC LIMIT ?`,
  times: `SELECT started_at - max(created_at, run_at) AS pickUp, finished_at - created_at AS total FROM job
    WHERE ${ENDED} AND updated_at >= ? AND started_at IS NOT NULL`,
  calls: `SELECT job.id, agent_id AS agentId, task_type AS taskType, status, n, step, provider, model, phase, attempt.kind AS kind, cost_nusd AS costNusd, ms,
    attempt.started_at AS startedAt, created_at AS createdAt, finished_at AS finishedAt
    FROM attempt JOIN job USING (seq) WHERE queue = 'llm_requests' AND attempt.started_at >= ? ORDER BY attempt.started_at, job.seq, n`,
  endedRequests: `SELECT count(*) AS n, min(updated_at) AS first, max(updated_at) AS last FROM job WHERE ${ENDED} AND updated_at >= ?`,
  endedOthers: `SELECT count(*) AS n, min(finished_at) AS first, max(finished_at) AS last FROM job
    WHERE finished_at IS NOT NULL AND queue <> 'llm_requests' AND finished_at >= ?`,
} as const
