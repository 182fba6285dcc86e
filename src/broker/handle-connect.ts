// CONNECT: who is it, and may they come in. From dispatch.ts; admission.ts gives the session and answers.
import type { Connect } from '../packet/connect.ts'
import { MqttError } from '../packet/mqtt-error.ts'
import { ReasonCode } from '../packet/reason-codes.ts'
import { enter } from './admission.ts'
import type { Link } from './link.ts'

export function handleConnect(link: Link, connect: Connect): void {
  if (link.phase !== 'connecting') throw new MqttError(ReasonCode.ProtocolError, 'a second CONNECT', '')
  link.connection.version = connect.version
  link.connection.maximumPacketSize = connect.maximumPacketSize
  link.wantsReasons = connect.requestProblemInformation
  link.isBridge = connect.isBridge
  link.core.gate.checkServer()
  enter(link, connect, link.core.gate.identify(connect))
}
