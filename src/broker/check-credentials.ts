// What a CONNECT without an authentication method says of its client is looked at by the authenticators. From
// handle-connect.ts; admission.ts goes on when they have decided.
import type { Refusal } from '../authentication/authenticator.ts'
import type { AuthenticatingClient } from '../authentication/client.ts'
import type { Outcome } from '../authentication/exchange.ts'
import type { Connect } from '../packet/connect.ts'
import { MqttError } from '../packet/mqtt-error.ts'
import { ReasonCode } from '../packet/reason-codes.ts'
import { enter } from './admission.ts'
import type { Link } from './link.ts'

/** All that is told to who is refused, whatever the log says. */
export const REFUSED = 'authentication refused'

export function checkCredentials(link: Link, connect: Connect, client: AuthenticatingClient): void {
  const { core, connection } = link
  link.phase = 'authenticating'
  const exchange = core.authentication.identify(client, link.listener, (outcome) =>
    link.attempt(() => settle(link, connect, client, outcome)),
  )
  if (!isAuthenticating(link)) return
  // What who is not known yet sends meanwhile stays in its socket.
  link.exchange = exchange
  connection.pause()
}

const isAuthenticating = ({ phase }: Link): boolean => phase === 'authenticating'

/** Never for a connection that has been closed. */
function settle(link: Link, connect: Connect, client: AuthenticatingClient, outcome: Outcome): void {
  link.exchange = undefined
  switch (outcome.kind) {
    case 'accept':
      return enter(link, connect, outcome)
    case 'refuse':
      logRefusal(link, client, outcome)
      throw new MqttError(outcome.reasonCode ?? ReasonCode.NotAuthorized, REFUSED)
    case 'fail':
      throw outcome.error
    case 'continue':
      throw new TypeError('an authenticator asks for a step more, which CONNECT does not have')
  }
}

/** Without its password. */
export function logRefusal(link: Link, client: AuthenticatingClient, { why }: Pick<Refusal, 'why'>): void {
  const { clientId, userName, peer } = client
  const method = link.authentication && { method: link.authentication.method }
  link.core.log.info({ clientId, userName, address: peer.address, ...method, why }, REFUSED)
}
