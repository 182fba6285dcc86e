// AUTH: the steps of an authentication, between CONNECT and CONNACK and again on a live session. The exchange itself,
// with its bounds, is in authentication/; here is what it means for the connection.
//
//   CONNECT method data ->  advance  -> AUTH 0x18 -> AUTH 0x18 -> ... -> CONNACK | CONNACK 0x8..
//   AUTH 0x19 data      ->  advance  -> AUTH 0x18 -> AUTH 0x18 -> ... -> AUTH 0x00 | DISCONNECT
import type { Admission, Refusal } from '../authentication/authenticator.ts'
import type { AuthenticatingClient } from '../authentication/client.ts'
import type { Outcome } from '../authentication/exchange.ts'
import { refusalAfterConnack } from '../authentication/method.ts'
import { type Auth, encodeAuth } from '../packet/auth.ts'
import type { Connect } from '../packet/connect.ts'
import { MqttError, protocolError } from '../packet/mqtt-error.ts'
import type { Properties } from '../packet/property-table.ts'
import { ReasonCode } from '../packet/reason-codes.ts'
import { CloseReason } from '../transport/close-reason.ts'
import { admitAnew, enter } from './admission.ts'
import { logRefusal, REFUSED } from './check-credentials.ts'
import type { Link, LinkAuthentication } from './link.ts'

type Accept = (admission: Admission, data: Buffer | undefined) => void

/** CONNECT with an authentication method: CONNACK comes when its exchange is over. */
export function beginAuthentication(
  link: Link,
  connect: Connect,
  client: AuthenticatingClient,
  method: string,
): void {
  const { core } = link
  if (!core.authentication.has(method)) {
    const why = 'there is no such method here'
    throw new MqttError(ReasonCode.BadAuthenticationMethod, why, 'authentication method') // [v5 MQTT-4.12.0-1]
  }
  const authentication: LinkAuthentication = { method, client, told: {} }
  link.authentication = authentication
  link.phase = 'authenticating'
  begin(link, authentication, connect.authenticationData, (admission, data) => {
    authentication.client = { ...client, password: undefined } // Nobody needs it again.
    authentication.told = propertiesOf(method, data)
    enter(link, connect, admission)
  })
  pauseForAnswer(link)
}

export function handleAuth(link: Link, packet: Auth): void {
  const { authentication } = link
  // [v5 MQTT-4.12.0-7]
  if (authentication === undefined)
    protocolError('AUTH without an authentication method in CONNECT', 'packet type')
  if (packet.reasonCode === ReasonCode.Success) protocolError('Success from a client', 'reason code')
  // [v5 MQTT-4.12.0-5] [v5 MQTT-4.12.1-1]
  if (packet.authenticationMethod !== authentication.method)
    protocolError('not that of CONNECT', 'authentication method')
  if (packet.reasonCode === ReasonCode.ReAuthenticate) return reauthenticate(link, authentication, packet)
  const { exchange } = link
  if (exchange === undefined) protocolError('no authentication is under way', 'reason code')
  if (!exchange.isIdle) protocolError('AUTH before the answer to the one before it', 'packet type')
  exchange.advance(packet.authenticationData)
  pauseForAnswer(link)
}

/** Other packets come and go meanwhile: nothing is paused. */
function reauthenticate(link: Link, authentication: LinkAuthentication, packet: Auth): void {
  // [v5 MQTT-4.12.0-3]
  if (link.exchange !== undefined) protocolError('an authentication is under way', 'reason code')
  const { method } = authentication
  begin(link, authentication, packet.authenticationData, (admission, data) => {
    const { session } = link
    if (session === undefined || admission.identity !== session.record.identity) {
      const why = 'as another identity than that of the session'
      return refuse(link, authentication, { kind: 'refuse', why })
    }
    admitAnew(link, session, admission)
    link.core.log.info({ clientId: session.clientId, method }, 'client authenticated anew')
    link.answer((reason) => encodeAuth({ ...reason, ...propertiesOf(method, data) }))
  })
}

function begin(
  link: Link,
  authentication: LinkAuthentication,
  data: Buffer | undefined,
  accept: Accept,
): void {
  const { method, client } = authentication
  const clientId = link.session?.clientId ?? client.clientId
  link.exchange = link.core.authentication.begin(method, { ...client, clientId }, (outcome) =>
    link.attempt(() => settle(link, authentication, outcome, accept)),
  )
  link.exchange.advance(data)
}

/** One step has been answered; never for a connection that has been closed. */
function settle(link: Link, authentication: LinkAuthentication, outcome: Outcome, accept: Accept): void {
  if (outcome.kind === 'continue') return ask(link, authentication, outcome.data)
  link.exchange = undefined
  switch (outcome.kind) {
    case 'accept':
      return accept(outcome, outcome.data)
    case 'refuse':
      return refuse(link, authentication, outcome)
    case 'fail':
      throw outcome.error
  }
}

/** [v5 MQTT-4.12.0-2] */
function ask(link: Link, { method }: LinkAuthentication, data: Buffer | undefined): void {
  const reasonCode = ReasonCode.ContinueAuthentication
  link.answer((reason) => encodeAuth({ ...reason, reasonCode, ...propertiesOf(method, data) }))
  if (link.phase === 'authenticating') link.connection.resume()
}

/** [v5 MQTT-4.12.0-4] [v5 MQTT-4.12.1-2] */
function refuse(
  link: Link,
  authentication: LinkAuthentication,
  refusal: Refusal & { readonly data?: Buffer | undefined },
): void {
  const { reasonCode = ReasonCode.NotAuthorized, data } = refusal
  const { method, client } = authentication
  logRefusal(link, client, refusal)
  if (link.phase === 'connected') {
    return link.disconnect(refusalAfterConnack(reasonCode), CloseReason.AuthenticationFailed, REFUSED)
  }
  if (data !== undefined) authentication.told = propertiesOf(method, data)
  throw new MqttError(reasonCode, REFUSED)
}

/** What who is not known yet sends while it waits for an answer stays in its socket. */
function pauseForAnswer({ phase, connection, exchange }: Link): void {
  if (phase === 'authenticating' && exchange?.isIdle === false) connection.pause()
}

/** [v5 MQTT-4.12.0-5] */
const propertiesOf = (method: string, data: Buffer | undefined): Properties => ({
  authenticationMethod: method,
  ...(data !== undefined && { authenticationData: data }),
})
