// What a connection may rely on: the limits and features that CONNACK tells, where they differ from what the
// specification says that a client may expect. Asked by admission.ts.
import type { Config, ListenerConfig } from '../config/schema.ts'
import { type Connect, RECEIVE_MAXIMUM_DEFAULT } from '../packet/connect.ts'
import type { Properties } from '../packet/property-table.ts'
import { PACKET_SIZE_MAX } from '../packet/protocol.ts'
import type { SessionRecord } from '../store/store.ts'

export type SessionOwner = Pick<SessionRecord, 'clientId' | 'expiryInterval'>
type Terms = Pick<Config, 'limits' | 'features'> & {
  readonly listener: Pick<ListenerConfig, 'maximumQos' | 'maximumPacketSize'>
}

/** Characters: as UTF-8 no more than a string may have. */
const RESPONSE_INFORMATION_MAX = 16_384

/** Seconds; 0: none. Above the maximum, or none where there is a maximum, it is the maximum. [v5 MQTT-3.1.2-21] */
export function keepAliveFor({ keepAlive }: Connect, { keepAliveMax }: Config['limits']): number {
  if (keepAlive === 0) return keepAliveMax < 65_535 ? keepAliveMax : 0
  return Math.min(keepAlive, keepAliveMax)
}

/** Of a CONNACK in version 5. */
export function termsFor(
  connect: Connect,
  { clientId, expiryInterval }: SessionOwner,
  terms: Terms,
): Properties {
  const { limits, features, listener } = terms
  const { receiveMaximum, topicAliasMaximum } = limits
  const { maximumQos, maximumPacketSize } = listener
  const keepAlive = keepAliveFor(connect, limits)
  const properties: Properties = {}
  if (expiryInterval !== connect.sessionExpiryInterval) properties.sessionExpiryInterval = expiryInterval
  if (receiveMaximum < RECEIVE_MAXIMUM_DEFAULT) properties.receiveMaximum = receiveMaximum
  if (maximumQos < 2) properties.maximumQos = maximumQos
  if (limits.retainedMessagesMax === 0) properties.retainAvailable = false
  if (maximumPacketSize < PACKET_SIZE_MAX) properties.maximumPacketSize = maximumPacketSize
  if (connect.clientId === '') properties.assignedClientIdentifier = clientId
  if (topicAliasMaximum > 0) properties.topicAliasMaximum = topicAliasMaximum
  if (!features.wildcardSubscriptions) properties.wildcardSubscriptionAvailable = false
  if (!features.subscriptionIdentifiers) properties.subscriptionIdentifierAvailable = false
  if (!features.sharedSubscriptions) properties.sharedSubscriptionAvailable = false
  if (keepAlive !== connect.keepAlive) properties.serverKeepAlive = keepAlive
  if (connect.requestResponseInformation) {
    const responseInformation = responseInformationFor(clientId, features)
    if (responseInformation !== '') properties.responseInformation = responseInformation
  }
  return properties
}

/** Empty for a client id that is no level of a topic name, or would become several. */
function responseInformationFor(clientId: string, { responseInformation }: Config['features']): string {
  if (responseInformation.includes('%c') && /[/+#]/.test(clientId)) return ''
  const text = responseInformation.replaceAll('%c', () => clientId)
  return text.length <= RESPONSE_INFORMATION_MAX ? text : ''
}
