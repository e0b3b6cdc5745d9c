import { sha256 } from '../kernel/index.ts'
import { type LlmRequest, PROVENANCE } from '../llm/index.ts'
import type { Question } from './answer.ts'
import type { Prompts } from './prompts.ts'

/** The request a model gets for a question, credentials and all. */
export async function writeRequest(question: Question, prompts: Prompts): Promise<LlmRequest> {
  const { prompt, files = [], taskType = 'ask', complexity, schema, messages, tools, temperature, maxTokens } = question
  const template = messages === undefined ? prompts.get('ask') : null
  const options = {
    ...(temperature !== undefined && { temperature }),
    ...(maxTokens !== undefined && { max_tokens: maxTokens }),
  }
  return {
    task_type: taskType,
    ...(complexity && { complexity }),
    messages: messages ?? (await template!.render({ prompt, files, schema: schema ?? null })),
    // what the prompt was made of: part of the key, never sent
    context: {
      [PROVENANCE]: {
        ...(template && { template: { id: template.id, version: template.version } }),
        files: files.map(({ path, text }) => ({ path, sha256: sha256(text) })),
      },
    },
    ...(schema && { response_schema: schema }),
    ...(tools && { tools }),
    ...(Object.keys(options).length > 0 && { options }),
  }
}
