/** The port: a place that keeps keys encrypted at rest. Adapters stand in `stores/`. */
export type SecretStore = {
  readonly name: 'system' | 'file'
  /** Whether it can be used here, without asking anybody anything. */
  available(): boolean
  /** null: it has no such key. @throws SECRETS_LOCKED */
  get(name: string): Promise<string | null>
  /** @throws SECRETS_LOCKED */
  set(name: string, value: string): Promise<void>
}
