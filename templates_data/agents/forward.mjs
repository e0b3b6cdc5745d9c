// Inside the jail: a port of its loopback leads to the socket that was bound in; the program that follows is told of it.
import { spawn } from 'node:child_process'
import { connect, createServer } from 'node:net'
import { constants } from 'node:os'

const [socket, ...command] = process.argv.slice(2)
const server = createServer((client) => {
  const outside = connect(socket)
  const end = () => {
    client.destroy()
    outside.destroy()
  }
  client.on('error', end).pipe(outside)
  outside.on('error', end).pipe(client)
})
server.listen(0, '127.0.0.1', () => {
  const url = `http://127.0.0.1:${server.address().port}`
  const env = { ...process.env, ANTHROPIC_BASE_URL: url, OPENAI_BASE_URL: `${url}/v1` }
  const child = spawn(command[0], command.slice(1), { stdio: 'inherit', env })
  child.on('error', (error) => {
    process.stderr.write(`${error.message}\n`)
    process.exit(127)
  })
  child.on('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)))
})
