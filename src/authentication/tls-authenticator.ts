// What TLS has proved, where the listener makes a user name of it: a certificate's common name or subject, or the
// identity of a pre-shared key. The user name in CONNECT is not looked at then, as in Mosquitto.
import type { Authenticator } from './authenticator.ts'

export const tlsAuthenticator: Authenticator = {
  name: 'tls',
  looksAtUserName: false,
  authenticate: ({ peer: { userName } }) =>
    userName === undefined ? { kind: 'ignore' } : { kind: 'accept', identity: userName },
}
