// CONNECT: who is it, and may they come in. From dispatch.ts; handle-auth.ts or check-credentials.ts finds out who it
// is, and admission.ts gives the session and answers.
import type { AuthenticatingClient } from '../authentication/client.ts'
import type { Connect } from '../packet/connect.ts'
import { MqttError } from '../packet/mqtt-error.ts'
import { ReasonCode } from '../packet/reason-codes.ts'
import type { MountPoint } from '../transport/mount-point.ts'
import { checkCredentials } from './check-credentials.ts'
import { beginAuthentication } from './handle-auth.ts'
import type { Link } from './link.ts'

export function handleConnect(link: Link, connect: Connect): void {
  if (link.phase !== 'connecting') throw new MqttError(ReasonCode.ProtocolError, 'a second CONNECT', '')
  link.connection.version = connect.version
  link.connection.maximumPacketSize = connect.maximumPacketSize
  link.wantsReasons = connect.requestProblemInformation
  link.isBridge = connect.isBridge
  const { gate } = link.core
  gate.checkVersion(connect.version, link)
  gate.checkServer(link)
  const client = clientOf(link, connect)
  const whole = link.mountPoint === undefined ? connect : withWholeWill(connect, link.mountPoint)
  const { authenticationMethod } = connect
  if (authenticationMethod === undefined) checkCredentials(link, whole, client)
  else beginAuthentication(link, whole, client, authenticationMethod)
}

const withWholeWill = (connect: Connect, mountPoint: MountPoint): Connect => ({
  ...connect,
  will: mountPoint.enterWill(connect.will),
})

const clientOf = ({ connection }: Link, connect: Connect): AuthenticatingClient => ({
  clientId: connect.clientId,
  userName: connect.userName,
  password: connect.password,
  version: connect.version,
  peer: connection.peer,
})
