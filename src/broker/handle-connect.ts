// CONNECT: who is it, and may they come in. From dispatch.ts; handle-auth.ts or check-credentials.ts finds out who it
// is, and admission.ts gives the session and answers.
import type { AuthenticatingClient } from '../authentication/client.ts'
import type { Connect } from '../packet/connect.ts'
import { MqttError } from '../packet/mqtt-error.ts'
import { ReasonCode } from '../packet/reason-codes.ts'
import { checkCredentials } from './check-credentials.ts'
import { beginAuthentication } from './handle-auth.ts'
import type { Link } from './link.ts'

export function handleConnect(link: Link, connect: Connect): void {
  if (link.phase !== 'connecting') throw new MqttError(ReasonCode.ProtocolError, 'a second CONNECT', '')
  link.connection.version = connect.version
  link.connection.maximumPacketSize = connect.maximumPacketSize
  link.wantsReasons = connect.requestProblemInformation
  link.isBridge = connect.isBridge
  link.core.gate.checkServer()
  const client = clientOf(link, connect)
  const { authenticationMethod } = connect
  if (authenticationMethod === undefined) checkCredentials(link, connect, client)
  else beginAuthentication(link, connect, client, authenticationMethod)
}

const clientOf = ({ connection }: Link, connect: Connect): AuthenticatingClient => ({
  clientId: connect.clientId,
  userName: connect.userName,
  password: connect.password,
  version: connect.version,
  peer: connection.peer,
})
