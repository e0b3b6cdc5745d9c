import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { type Server, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { App, AppPorts } from '../../src/core/app.ts'
import { presetNames, loadPreset } from '../../src/core/agents/index.ts'
import type { AgentRequest } from '../../src/core/improvement/index.ts'
import { SingularityError } from '../../src/core/kernel/index.ts'
import type { ModelEntry, ProviderEntry } from '../../src/core/llm/index.ts'
import { type Playground, createPlayground } from '../cli/playground.ts'
import { failureOf, improveWith, openApp } from '../support/app.ts'
import { launcherPath } from '../support/isolation.ts'

vi.setConfig({ testTimeout: 120_000 })

const FOLDER = join(import.meta.dirname, '../../templates_data/agents')
let place: Playground
let provider: Server
let keys: string[]
const opened: App[] = []

beforeEach(async () => {
  launcherPath()
  place = createPlayground()
  keys = []
  provider = createServer((request, response) => {
    keys.push(String(request.headers['x-api-key']))
    request
      .resume()
      .on('end', () =>
        response
          .writeHead(200, { 'content-type': 'application/json' })
          .end('{"content":[{"text":"includes"}],"usage":{"input_tokens":100,"output_tokens":20}}'),
      )
  }).listen(0, '127.0.0.1')
  await new Promise((ready) => provider.once('listening', ready))
})
afterEach(async () => {
  for (const app of opened.splice(0)) await app.close()
  provider.close()
  place.cleanup()
})

/** A program of this name that is found on the PATH; its arguments and what it does are checked by what it leaves. */
function standIn(program: string, script: string): Record<string, string> {
  const bin = join(place.folder, 'tools')
  mkdirSync(bin, { recursive: true })
  writeFileSync(join(bin, program), `#!/bin/sh\nif [ "$1" = --version ]; then echo 1.0; exit 0; fi\n${script}\n`)
  chmodSync(join(bin, program), 0o755)
  return { PATH: `${bin}:${place.env['PATH']}` }
}

const EDIT = `sed -i 's/list.indexOf(item) !== -1/list.includes(item)/' src/list.js`
const price = { input: 3000, output: 15_000, cacheRead: 300, cacheWrite: 3750, tiers: [], source: 'test', checked: '2026-11-22' }

/** A key that is at hand, and money as the account counts it. */
function metered(capNusd: number): AppPorts {
  let spent = 0
  return {
    agents: {
      hasKey: async (api) => api === 'messages',
      loopback: async ({ id, budgetNusd }) => ({
        account: {
          reserve({ boundNusd }) {
            if (spent + boundNusd > Math.min(capNusd, budgetNusd ?? Infinity))
              throw new SingularityError('BUDGET_REACHED', 'The cap is reached.')
          },
          calling: () => {},
          settle: (_key, { nusd }) => void (spent += nusd),
          release: () => {},
        },
        table: {
          models: new Map([
            [
              'anthropic/claude',
              {
                name: 'anthropic/claude',
                provider: 'anthropic',
                id: 'claude',
                contextTokens: 200_000,
                maxOutputTokens: 8000,
                price,
              } as unknown as ModelEntry,
            ],
          ]),
          providers: new Map([['anthropic', { name: 'anthropic', api: 'messages' } as ProviderEntry]]),
          aliases: {},
        },
        upstream: async () => ({
          baseUrl: `http://127.0.0.1:${(provider.address() as AddressInfo).port}/v1`,
          headers: { 'x-api-key': 'real-key' },
        }),
        fetch: globalThis.fetch,
        owner: { pid: process.pid, pidStart: '', bootId: '' },
        repository: place.root,
        request: id,
        caps: () => [],
      }),
    },
  }
}

const run = (agent: Partial<AgentRequest>, env: Record<string, string>, ports: AppPorts = {}) => {
  const app = openApp(place, ports, env)
  opened.push(app)
  return improveWith(app, { agent: { name: 'claude', goal: "Don't use indexOf", budgetNusd: null, ...agent }, dryRun: true })
}

describe('the presets', () => {
  it('are data, one per agent', () => {
    expect(presetNames(FOLDER)).toEqual(['claude', 'codex', 'copilot', 'cursor'])
    for (const name of presetNames(FOLDER)) {
      const preset = loadPreset(FOLDER, name)
      expect(preset.name).toBe(name)
      expect(preset.arguments.filter((word) => word.includes('{goal}'))).toHaveLength(1)
      expect(preset.login.command).not.toBe('')
    }
  })

  it.each([
    ['claude', 'claude', '.claude/.credentials.json', 'CLAUDE_CONFIG_DIR'],
    ['codex', 'codex', '.codex/auth.json', 'CODEX_HOME'],
    ['cursor', 'cursor-agent', '.cursor/cli-config.json', 'XDG_CONFIG_HOME'],
    ['copilot', 'copilot', '.copilot/config.json', 'XDG_CONFIG_HOME'],
  ])(
    '%s works on its own login: its folder and its variables are there, what others use is not; unmetered',
    async (name, program, file, variable) => {
      mkdirSync(join(place.env['HOME']!, file, '..'), { recursive: true })
      writeFileSync(join(place.env['HOME']!, file), '{}')
      const script = [
        `test -e ${join(place.env['HOME']!, file)} || exit 21`,
        `test -n "$${variable}" || exit 22`,
        'test -z "$AWS_SECRET_ACCESS_KEY" || exit 23',
        // its goal is one word of its arguments, whatever it holds
        `for word in "$@"; do [ "$word" = "Don't use indexOf" ] && found=1; done; test -n "$found" || exit 24`,
        'git status --porcelain >/dev/null && test "$(git log --oneline | wc -l)" = 1 || exit 25',
        // everything is as it should be: one of them goes on to the proof, which is the same for all
        name === 'claude' ? EDIT : 'exit 40',
      ].join('\n')
      const made = run({ name }, { ...standIn(program, script), AWS_SECRET_ACCESS_KEY: 'x' })
      if (name !== 'claude') return expect(made).rejects.toThrow('failed with exit code 40')
      const { data } = await made
      expect(data.candidates[0], JSON.stringify(data.notes)).toMatchObject({
        verdict: 'keep',
        source: { kind: 'exec' },
        files: ['src/list.js'],
      })
      expect(data.notes).toContain(`${name} worked on its own login: what it cost is unmetered.`)
    },
  )
})

describe('an agent that is metered', () => {
  const call = [
    'answer=$(node -e "',
    "fetch(process.env.ANTHROPIC_BASE_URL + '/v1/messages', {method: 'POST', headers: {'x-api-key': process.env.ANTHROPIC_API_KEY},",
    "body: JSON.stringify({model: 'claude', max_tokens: 100, messages: []})}).then((r) => { console.log(r.status) })",
    '")',
  ].join(' ')

  it('works without network and without the key, and is told what it cost', async () => {
    const script = `${call}\ntest "$answer" = 200 || exit 31\nenv | grep -q real-key && exit 32\ngetent hosts example.org && exit 33\n${EDIT}`
    const { data } = await run({ budgetNusd: 1_000_000_000 }, standIn('claude', script), metered(Infinity))
    expect(data.candidates[0]).toMatchObject({ verdict: 'keep' })
    expect(keys).toEqual(['real-key'])
    expect(data.notes).toContain('claude made 1 metered call for 0.0006 USD.')
  })

  it('is answered 402 when the budget does not hold its request', async () => {
    const script = `${call}\ntest "$answer" = 402 && exit 41`
    await expect(run({ budgetNusd: 1000 }, standIn('claude', script), metered(Infinity))).rejects.toThrow('failed with exit code 41')
    expect(keys).toEqual([])
  })
})

describe('an agent that cannot be called', () => {
  const login = { CLAUDE_CODE_OAUTH_TOKEN: 'token-of-a-login' }
  it.each([
    ['is unknown', { name: 'hal' }, login, 'USAGE', 2],
    ['has a budget nobody can keep', { budgetNusd: 1_000_000_000 }, login, 'USAGE', 2],
    ['has neither key nor login', {}, {}, 'LLM_NOT_CONFIGURED', 7],
    ['is not installed', { name: 'copilot' }, { GH_TOKEN: 'x' }, 'EXEC_FAILED', 1],
  ] as [string, Partial<AgentRequest>, Record<string, string>, string, number][])('%s', async (_name, agent, env, code, exitCode) => {
    const error = await failureOf(run(agent, { ...standIn('claude', EDIT), ...env }))
    expect({ code: error.code, exitCode: error.exitCode }).toEqual({ code, exitCode })
  })

  it('does not start', async () => {
    const path = standIn('claude', EDIT)
    writeFileSync(join(place.folder, 'tools', 'claude'), '#!/bin/sh\necho "needs glibc 9" >&2\nexit 4\n')
    const error = await failureOf(run({}, { ...path, ...login }))
    expect(error.message).toContain('claude --version failed: needs glibc 9')
  })
})
