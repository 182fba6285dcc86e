// CONNECT: who is it, and may they come in. From dispatch.ts; admission.ts gives the session and answers, where an
// authentication method was named after the exchange of handle-auth.ts.
import type { Connect } from '../packet/connect.ts'
import { MqttError } from '../packet/mqtt-error.ts'
import { ReasonCode } from '../packet/reason-codes.ts'
import type { MountPoint } from '../transport/mount-point.ts'
import { enter } from './admission.ts'
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
  const whole = link.mountPoint === undefined ? connect : withWholeWill(connect, link.mountPoint)
  const { authenticationMethod } = connect
  if (authenticationMethod !== undefined) return beginAuthentication(link, whole, authenticationMethod)
  const identity = gate.identify(link)
  gate.checkWill(whole, link)
  enter(link, whole, identity)
}

const withWholeWill = (connect: Connect, mountPoint: MountPoint): Connect => ({
  ...connect,
  will: mountPoint.enterWill(connect.will),
})
