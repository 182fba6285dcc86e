// The client is known: its session, what was agreed, and CONNACK, which leaves when session and will are on disk.
// From check-credentials.ts or handle-auth.ts; session-registry.ts has the session, connection-end.ts undoes all of it.
import { randomUUID } from 'node:crypto'
import type { Admission } from '../authentication/authenticator.ts'
import type { Client } from '../authentication/client.ts'
import type { Permit } from '../authorization/permit.ts'
import { type Eventual, isAwaited } from '../base/eventually.ts'
import { encodeConnack } from '../packet/connack.ts'
import type { Connect } from '../packet/connect.ts'
import { MqttError } from '../packet/mqtt-error.ts'
import type { Properties } from '../packet/property-table.ts'
import { ReasonCode } from '../packet/reason-codes.ts'
import type { Session } from '../session/session.ts'
import { CloseReason } from '../transport/close-reason.ts'
import { MountedTopics } from '../transport/mount-point.ts'
import { OutboundAliases } from '../transport/topic-aliases.ts'
import type { Link } from './link.ts'
import { keepAliveFor, type SessionOwner, termsFor } from './terms.ts'

/** Its identity owns the session. Throws MqttError for who can't have it. */
export function enter(link: Link, connect: Connect, admission: Admission): void {
  const { core, connection } = link
  const ownId = connect.clientId === '' ? assignClientId(connect) : connect.clientId
  const client = clientOf(link, admission.clientId ?? ownId, admission)
  const permit = core.authorization.permitFor(client)
  const asking = askAboutWill(connect, permit)
  if (!isAwaited(asking)) return open(link, connect, admission, client, permit)
  connection.pause()
  asking.then(() => link.attempt(() => open(link, connect, admission, client, permit)))
}

function askAboutWill({ will }: Connect, permit: Permit | undefined): Eventual<void> {
  if (will === undefined || permit === undefined) return
  const { topicName, qos, retain } = will
  if (permit.mayPublish(topicName, qos, retain) !== undefined) return
  return permit.askAboutPublishing(topicName, qos, retain)
}

function open(
  link: Link,
  connect: Connect,
  admission: Admission,
  client: Client,
  permit: Permit | undefined,
): void {
  const { core, connection } = link
  if (link.phase === 'closed') return
  core.gate.checkWill(connect, link, permit)
  const { clientId } = client
  core.sessions.checkOwner(clientId, client.identity)
  core.sessions.checkRoom(clientId)
  const expiryInterval = Math.min(connect.sessionExpiryInterval, core.limits.sessionExpiryIntervalMax)
  const told = toldTo(link, connect, { clientId, expiryInterval })
  // The one that is there already gives way. [v5 MQTT-3.1.4-3] [v3.1.1 MQTT-3.1.4-2]
  core.sessions.linkOf(clientId)?.disconnect(ReasonCode.SessionTakenOver, CloseReason.TakenOver)
  const { cleanStart } = connect
  const { session, isPresent } = core.sessions.open(link, { client, cleanStart, expiryInterval })
  link.session = session
  link.admission = admission
  link.phase = 'admitting'
  const isEntitled = core.authorization.entitle(session, client, permit)
  core.wills.set(session, connect.will, expiryInterval)
  agree(link, connect)
  // Also for what an earlier connection put under this client id, and may still be on its way to the disk.
  const admitted = (): void => admit(link, connect, isPresent, told)
  const whenEntitled = (isSo: boolean): void => {
    if (!isAdmitting(link)) return
    if (!isSo) throw inability(link)
    if (core.store.isIdle) admitted()
    else core.store.afterCommit({ committed: admitted }, 0)
  }
  if (isAwaited(isEntitled)) isEntitled.then((isSo) => link.attempt(() => whenEntitled(isSo)))
  else whenEntitled(isEntitled)
  if (isAdmitting(link)) connection.pause()
}

/** Nothing is lost of the session, and nothing is given from it. */
function inability(link: Link): MqttError {
  link.isWillDiscarded = true
  return new MqttError(ReasonCode.ServerUnavailable, 'nobody can say what the client may do')
}

/** The session is its own, and goes on with what it has proved now. */
export function admitAnew(link: Link, session: Session, admission: Admission): void {
  const { core } = link
  link.admission = admission
  const client = clientOf(link, session.clientId, admission)
  session.record.rights = client.rights
  session.connected(session.record.expiryInterval)
  void core.authorization.entitle(session, client, core.authorization.permitFor(client))
  core.wills.entitle(session)
  link.watchDeadlines(core.now())
}

const clientOf = ({ connection }: Link, clientId: string, { identity, rights }: Admission): Client =>
  Object.freeze({ clientId, identity, peer: connection.peer, rights })

const isAdmitting = (link: Link): boolean => link.phase === 'admitting'

/** [v5 MQTT-3.1.3-6] [v5 MQTT-3.1.3-7] [v3.1.1 MQTT-3.1.3-8] */
function assignClientId({ version, cleanStart }: Connect): string {
  if (version === 5 || (version === 4 && cleanStart)) return `godwit-${randomUUID()}`
  throw new MqttError(
    ReasonCode.ClientIdentifierNotValid,
    'empty, and a session to keep',
    'client identifier',
  )
}

function agree(link: Link, connect: Connect): void {
  const { connection, core, listener, mountPoint } = link
  const { limits } = core
  connection.frames.maximumPacketSize = listener.maximumPacketSize
  connection.aliases.maximum = connect.version === 5 ? limits.topicAliasMaximum : 0
  const aliasesMax = Math.min(connect.topicAliasMaximum, limits.topicAliasMaximumOut)
  const aliases = aliasesMax > 0 ? new OutboundAliases(aliasesMax) : undefined
  const topics = mountPoint === undefined ? aliases : new MountedTopics(mountPoint, aliases)
  if (topics !== undefined) connection.useOutboundTopics(topics)
  link.keepAliveMs = keepAliveFor(connect, limits) * 1500
}

/** What CONNACK says. Throws MqttError before anything is done: a client that can't hear that it is in is not. */
function toldTo({ core, listener, authentication }: Link, connect: Connect, owner: SessionOwner): Properties {
  if (connect.version !== 5) return {}
  const fits = (properties: Properties): boolean =>
    connackOf(connect, true, properties).length <= connect.maximumPacketSize
  const told = { ...termsFor(connect, owner, { ...core, listener }), ...authentication?.told } // [v5 MQTT-4.12.0-6]
  if (fits(told)) return told
  const { responseInformation: _, ...needed } = told
  if (fits(needed)) return needed
  throw new MqttError(ReasonCode.PacketTooLarge, 'CONNACK is larger', 'maximum packet size')
}

function admit(link: Link, connect: Connect, isPresent: boolean, told: Properties): void {
  if (link.phase !== 'admitting') return // Gone, or taken over, meanwhile.
  const { core, connection } = link
  const session = link.session as Session
  connection.send(connackOf(connect, isPresent, told))
  link.phase = 'connected'
  connection.lastReceivedAt = core.now() // How long it took to admit it is no silence of its own.
  link.watchDeadlines(core.now())
  const { clientId, identity } = session.record
  const { version, peer } = connection
  const { address } = peer
  const facts = { clientId, identity, version, address, sessionPresent: isPresent }
  core.log.info({ ...facts, listener: link.listener.name }, 'client connected')
  session.outbound.attach(connection, connect.receiveMaximum)
  core.tell('connected', facts)
  core.retained.resume(session)
  connection.resume()
}

const connackOf = ({ version }: Connect, sessionPresent: boolean, properties: Properties): Buffer =>
  encodeConnack({ sessionPresent, reasonCode: ReasonCode.Success, properties }, version)
