export type TransportOptions = {
  /** HTTPS_PROXY, HTTP_PROXY and NO_PROXY as they stand in the environment of the user. */
  proxies?: { https?: string | undefined; http?: string | undefined; no?: string | undefined }
  /** Content of the file NODE_EXTRA_CA_CERTS names: PEM, trusted beside the usual authorities. */
  extraCa?: string | undefined
}

export type Transport = {
  fetch: typeof globalThis.fetch
  /** Closes its sockets; calls in flight are cut. */
  close(): Promise<void>
}

/** One connection pool for all providers, loaded with its first call. Its own time-outs are off: the clocks of a call are ours. */
export function createTransport(options: TransportOptions = {}): Transport {
  const load = async () => {
    const [{ Agent, EnvHttpProxyAgent, fetch }, { rootCertificates }] = await Promise.all([import('./undici.ts'), import('node:tls')])
    const { https, http, no } = options.proxies ?? {}
    // a list of authorities replaces the usual ones
    const tls = options.extraCa === undefined ? {} : { ca: [...rootCertificates, options.extraCa] }
    const common = { headersTimeout: 0, bodyTimeout: 0, connect: tls }
    // a proxy cannot reach the models of this machine
    const noProxy = no?.trim() === '*' ? '*' : [no ?? '', 'localhost', '127.0.0.1', '[::1]'].join(',')
    // an empty value keeps the agent from looking into the environment by itself
    const proxied = { ...common, requestTls: tls, proxyTls: tls, httpProxy: http ?? '', httpsProxy: https ?? '', noProxy }
    const dispatcher = http || https ? new EnvHttpProxyAgent(proxied) : new Agent(common)
    return { dispatcher, fetch }
  }
  let loaded: ReturnType<typeof load> | undefined

  return {
    // fetch and agent are of one copy of undici: Node's own fetch does not take a foreign agent of every version
    fetch: async (input, init) => {
      const { dispatcher, fetch } = await (loaded ??= load())
      const response = await fetch(input as string, { ...(init as object), dispatcher })
      return response as unknown as Response
    },
    async close() {
      await (await loaded?.catch(() => undefined))?.dispatcher.destroy()
    },
  }
}
