// A client as authenticators and methods see it.
import type { AuthenticatingClient } from '../../src/authentication/client.ts'

interface Fields extends Partial<Omit<AuthenticatingClient, 'password' | 'peer'>> {
  readonly password?: string | Buffer
  readonly peer?: Partial<AuthenticatingClient['peer']>
}

export function clientOf({ password, peer, ...fields }: Fields = {}): AuthenticatingClient {
  const host = peer?.host ?? '192.0.2.1'
  return {
    clientId: 'c',
    userName: undefined,
    password: password === undefined ? undefined : Buffer.from(password),
    version: 5,
    peer: { address: `${host}:50000`, host, listenerName: '', isTls: false, ...peer },
    ...fields,
  }
}
