// AUTH: the steps of an authentication, between CONNECT and CONNACK and again on a live session. The exchange itself,
// with its bounds, is in authentication/; here is what it means for the connection.
//
//   CONNECT method data ->  advance  -> AUTH 0x18 -> AUTH 0x18 -> ... -> CONNACK | CONNACK 0x8..
//   AUTH 0x19 data      ->  advance  -> AUTH 0x18 -> AUTH 0x18 -> ... -> AUTH 0x00 | DISCONNECT
import type { Outcome } from '../authentication/exchange.ts'
import { type RefusalCode, refusalAfterConnack } from '../authentication/method.ts'
import { type Auth, encodeAuth } from '../packet/auth.ts'
import type { Connect } from '../packet/connect.ts'
import { MqttError, protocolError } from '../packet/mqtt-error.ts'
import type { Properties } from '../packet/property-table.ts'
import { ReasonCode } from '../packet/reason-codes.ts'
import { CloseReason } from '../transport/close-reason.ts'
import { enter } from './admission.ts'
import type { Link, LinkAuthentication } from './link.ts'

/** All that is told to who is refused, whatever the method says in the log. */
const REFUSED = 'authentication refused'

type Accept = (identity: string, data: Buffer | undefined) => void

/** CONNECT with an authentication method: CONNACK comes when its exchange is over. */
export function beginAuthentication(link: Link, connect: Connect, method: string): void {
  const { core, connection } = link
  const { clientId, userName } = connect
  if (!core.authentication.has(method)) {
    const why = 'there is no such method here'
    throw new MqttError(ReasonCode.BadAuthenticationMethod, why, 'authentication method') // [v5 MQTT-4.12.0-1]
  }
  const client = { clientId, userName, address: connection.peer.address }
  const authentication: LinkAuthentication = { method, client, exchange: undefined, told: {} }
  link.authentication = authentication
  link.phase = 'authenticating'
  begin(link, authentication, connect.authenticationData, (identity, data) => {
    core.gate.checkWill(connect, link)
    authentication.told = propertiesOf(method, data)
    enter(link, connect, identity)
  })
  pauseForAnswer(link, authentication)
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
  const { exchange } = authentication
  if (exchange === undefined) protocolError('no authentication is under way', 'reason code')
  if (!exchange.isIdle) protocolError('AUTH before the answer to the one before it', 'packet type')
  exchange.advance(packet.authenticationData)
  pauseForAnswer(link, authentication)
}

/** Other packets come and go meanwhile: nothing is paused. */
function reauthenticate(link: Link, authentication: LinkAuthentication, packet: Auth): void {
  // [v5 MQTT-4.12.0-3]
  if (authentication.exchange !== undefined) protocolError('an authentication is under way', 'reason code')
  const { method } = authentication
  begin(link, authentication, packet.authenticationData, (identity, data) => {
    if (identity !== link.session?.record.identity) {
      return refuse(link, authentication, { why: 'as another identity than that of the session' })
    }
    link.core.log.info({ clientId: link.session.clientId, method }, 'client authenticated anew')
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
  authentication.exchange = link.core.authentication.begin(method, { ...client, clientId }, (outcome) =>
    link.attempt(() => settle(link, authentication, outcome, accept)),
  )
  authentication.exchange.advance(data)
}

/** One step has been answered; never for a connection that has been closed. */
function settle(link: Link, authentication: LinkAuthentication, outcome: Outcome, accept: Accept): void {
  if (outcome.kind === 'continue') return ask(link, authentication, outcome.data)
  authentication.exchange = undefined
  switch (outcome.kind) {
    case 'accept':
      return accept(outcome.identity, outcome.data)
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

interface Rejection {
  readonly why: string
  readonly reasonCode?: RefusalCode
  readonly data?: Buffer | undefined
}

/** [v5 MQTT-4.12.0-4] [v5 MQTT-4.12.1-2] */
function refuse(link: Link, authentication: LinkAuthentication, refusal: Rejection): void {
  const { why, reasonCode = ReasonCode.NotAuthorized, data } = refusal
  const { method, client } = authentication
  link.core.log.info({ ...client, method, why }, REFUSED)
  if (link.phase === 'connected') {
    return link.disconnect(refusalAfterConnack(reasonCode), CloseReason.AuthenticationFailed, REFUSED)
  }
  if (data !== undefined) authentication.told = propertiesOf(method, data)
  throw new MqttError(reasonCode, REFUSED)
}

/** What who is not known yet sends while it waits for an answer stays in its socket. */
function pauseForAnswer({ phase, connection }: Link, { exchange }: LinkAuthentication): void {
  if (phase === 'authenticating' && exchange?.isIdle === false) connection.pause()
}

/** [v5 MQTT-4.12.0-5] */
const propertiesOf = (method: string, data: Buffer | undefined): Properties => ({
  authenticationMethod: method,
  ...(data !== undefined && { authenticationData: data }),
})
