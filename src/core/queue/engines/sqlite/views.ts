import type { JobStatus } from '../../job.ts'

/** What other programs read. Times are ISO 8601 in UTC; JSON stays JSON text; a cent is 10,000,000 nano-dollars. */
const iso = (column: string): string => `strftime('%Y-%m-%dT%H:%M:%fZ', ${column} / 1000.0, 'unixepoch')`
const asked = (name: string): string => `json_extract(d.payload, '$.${name}')`
const askedOption = (name: string): string => `coalesce(${asked(name)}, ${asked(`options.${name}`)})`

/** The columns of a request; `status` is an expression. */
const requests = (status: string): string => `SELECT
  j.id, j.agent_id, j.task_type, j.complexity,
  coalesce(${asked('messages')}, '[]') AS messages,
  coalesce(${asked('context')}, '{}') AS context,
  ${status},
  ${iso('j.published_at')} AS published_at,
  CASE j.status WHEN 'failed' THEN coalesce(j.error_message, j.reason) ELSE j.error_message END AS error_message,
  ${iso('j.created_at')} AS created_at,
  ${iso('j.updated_at')} AS updated_at,
  ${asked('response_schema')} AS response_schema,
  json_extract(r.result, '$.response') AS response,
  nullif(r.result -> '$.parsed_response', 'null') AS parsed_response,
  nullif(r.result -> '$.validation_errors', 'null') AS validation_errors,
  ${asked('api_version')} AS api_version,
  ${askedOption('max_tokens')} AS max_tokens,
  ${askedOption('temperature')} AS temperature,
  ${asked('previous_response_id')} AS previous_response_id,
  ${asked('mcp_servers')} AS mcp_servers,
  ${asked('store')} AS store,
  ${asked('tools')} AS tools
FROM job j LEFT JOIN job_data d ON d.seq = j.seq LEFT JOIN job_result r ON r.seq = j.seq WHERE j.queue = 'llm_requests'`

/** Those of the first version. */
export const VIEWS = `
CREATE VIEW llm_requests AS ${requests('j.status')};

CREATE VIEW ai_results AS SELECT
  j.id AS request_id,
  json_extract(r.result, '$.response') AS response,
  json_extract(r.result, '$.model') AS model,
  json_extract(r.result, '$.usage.total_tokens') AS tokens_used,
  json_extract(r.result, '$.cost_nusd') / 10000000.0 AS cost_cents
FROM job j JOIN job_result r ON r.seq = j.seq WHERE j.queue = 'llm_requests' AND j.state = 'completed';

CREATE VIEW job_results AS SELECT
  j.kind AS workflow,
  j.agent_id AS instance_id,
  j.id AS job_id,
  d.payload AS input,
  r.result AS output,
  coalesce(json_extract(r.result, '$.usage.total_tokens'),
    (SELECT sum(json_extract(a.usage, '$.totalTokens')) FROM attempt a WHERE a.seq = j.seq)) AS tokens_used,
  coalesce(json_extract(r.result, '$.cost_nusd'), (SELECT sum(a.cost_nusd) FROM attempt a WHERE a.seq = j.seq)) / 10000000.0 AS cost_cents,
  j.finished_at - coalesce(j.started_at, j.created_at) AS duration_ms,
  CASE WHEN j.state = 'completed' THEN 'success' WHEN j.reason = 'deadline' OR j.reason LIKE '%timeout%' THEN 'timeout'
    ELSE 'failure' END AS status
FROM job j LEFT JOIN job_data d ON d.seq = j.seq LEFT JOIN job_result r ON r.seq = j.seq WHERE j.finished_at IS NOT NULL;
`

/** Of each status what is said of it by the predicates of its indexes. */
const BY_STATUS: Readonly<Record<JobStatus, string>> = {
  pending: `j.state = 'available'`,
  processing: `j.state = 'running'`,
  // most of them are: whoever asks for something rarer is answered by its index
  completed: `likely(j.state = 'completed') AND j.finished_at IS NOT NULL`,
  failed: `j.state IN ('dead', 'cancelled') AND j.finished_at IS NOT NULL`,
}

/**
 * A branch for each status: SQLite takes a partial index only where the question itself repeats its predicate, and so each branch does.
 * The branches differ in nothing but a literal, as only columns of the same affinity let a question through to the tables.
 */
export const REQUESTS_BY_STATUS = `
DROP VIEW llm_requests;
CREATE VIEW llm_requests AS ${Object.entries(BY_STATUS)
  .map(([status, rule]) => `${requests(`'${status}' AS status`)} AND ${rule}`)
  .join('\nUNION ALL ')};
`
