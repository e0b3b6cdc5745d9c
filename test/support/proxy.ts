import { type Server, createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'

export type Proxy = { url: string; seen: string[]; headers: (string | undefined)[]; server: Server }

/** A CONNECT proxy that leads every host to one port of this machine; with `refuse` it wants to know who asks. */
export async function startProxy(target: () => number, refuse = false): Promise<Proxy> {
  const seen: string[] = []
  const headers: (string | undefined)[] = []
  const server = createServer()
  server.on('connect', (request, socket) => {
    seen.push(request.url!)
    headers.push(request.headers['proxy-authorization'])
    if (refuse) return void socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n')
    const through = connect(target(), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n')
      through.pipe(socket).pipe(through)
    })
    for (const [one, other] of [
      [socket, through],
      [through, socket],
    ] as const)
      one.on('error', () => other.destroy()).on('close', () => other.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen, headers, server }
}
