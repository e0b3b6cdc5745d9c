// A mock provider as a process of its own: models OPTIONS (JSON: answers, fallback, prices, models). Its first line on stdout is its
// origin; /mock/meter and /mock/requests tell what it saw, POST /mock/script adds answers. Ends with SIGTERM or its stdin.
import { startMockModels } from '../models.ts'

const mock = await startMockModels(JSON.parse(process.argv[2] ?? '{}') as object)
console.log(mock.origin)
process.stdin.resume().on('end', () => process.exit(0))
