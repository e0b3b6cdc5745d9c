import { expect, it } from 'vitest'
import { programsIn } from '../../../src/core/improvement/programs.ts'

it('finds what a command line may start, by name and by absolute path, and no relative paths or options', () => {
  const found = programsIn('env CI=1 poetry run pytest --durations=5 tests/unit && /opt/tool/bin/check "$HOME/x" ./own.sh')
  expect(found).toEqual(expect.arrayContaining(['env', 'poetry', 'run', 'pytest', '/opt/tool/bin/check']))
  expect(found).not.toEqual(expect.arrayContaining(['tests/unit']))
  expect(found.some((word) => word.includes('durations') || word.includes('own.sh') || word === '/x')).toBe(false)
})
