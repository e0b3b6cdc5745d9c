// Imported on first use only. The names go through a file of ours: a bundle gives a CommonJS package that is imported late no names.
export { Agent, EnvHttpProxyAgent, fetch } from 'undici'
