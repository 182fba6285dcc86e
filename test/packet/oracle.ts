// Our packets in the words of mqtt-packet and back, for the tests that hold the two codecs against each other.
import mqttPacket, { type Packet as TheirPacket } from 'mqtt-packet'
import { FieldReader } from '../../src/packet/field-reader.ts'
import { FieldWriter } from '../../src/packet/field-writer.ts'
import { decodeProperties, encodeProperties } from '../../src/packet/properties.ts'
import { type Properties, type UserProperty, WILL } from '../../src/packet/property-table.ts'
import {
  PACKET_SIZE_MAX,
  PacketType,
  type ProtocolVersion,
  SESSION_NEVER_EXPIRES,
} from '../../src/packet/protocol.ts'
import type { Packet } from './codec.ts'

type Fields = Record<string, unknown>

const theirNames: Fields = {
  maximumQos: 'maximumQoS',
  subscriptionIdentifiers: 'subscriptionIdentifier',
  subscriptionIdentifierAvailable: 'subscriptionIdentifiersAvailable',
}
const ourNames = new Map(Object.entries(theirNames).map(([ours, theirs]) => [theirs as string, ours]))
const ackNames = new Map<number, string>([
  [PacketType.Puback, 'puback'],
  [PacketType.Pubrec, 'pubrec'],
  [PacketType.Pubrel, 'pubrel'],
  [PacketType.Pubcomp, 'pubcomp'],
])

export function generate(packet: Packet, version: ProtocolVersion): Buffer {
  return mqttPacket.generate(toTheirs(packet, version) as unknown as TheirPacket, {
    protocolVersion: version,
  })
}

/** What mqtt-packet makes of one frame, in our words. */
export function parse(bytes: Buffer, version: ProtocolVersion): Packet {
  const packets: Packet[] = []
  const parser = mqttPacket.parser({ protocolVersion: version })
  parser.on('packet', (packet) => packets.push(fromTheirs(packet as unknown as Fields, version)))
  parser.on('error', (error: Error) => {
    throw error
  })
  parser.parse(bytes)
  if (packets.length !== 1) throw new Error(`${packets.length} packets`)
  return packets[0] as Packet
}

function propertiesToTheirs(properties: Properties | undefined): Fields {
  const fields: Fields = {}
  for (const [name, value] of Object.entries(properties ?? {})) {
    // It writes nothing at all for an empty object of user properties.
    if (Array.isArray(value) && value.length === 0) continue
    if (value !== undefined)
      fields[(theirNames[name] as string | undefined) ?? name] = valueToTheirs(name, value)
  }
  return fields
}

function valueToTheirs(name: string, value: unknown): unknown {
  if (name === 'payloadFormatIndicator') return value === 1
  if (name !== 'userProperties') return value
  const userProperties: Fields = Object.create(null)
  for (const [key, text] of value as UserProperty[]) userProperties[key] = text
  return userProperties
}

function propertiesFromTheirs(fields: unknown): Properties {
  const properties: Fields = {}
  for (const [name, value] of Object.entries((fields ?? {}) as Fields)) {
    const ourName = ourNames.get(name) ?? name
    if (name === 'payloadFormatIndicator') properties[ourName] = value ? 1 : 0
    else if (name === 'userProperties') properties[ourName] = Object.entries(value as Fields)
    else if (ourName === 'subscriptionIdentifiers') properties[ourName] = [value].flat()
    else properties[ourName] = value
  }
  return properties as Properties
}

/** Decodes a will's pass-through block, so that it can be handed to mqtt-packet by names. */
function propertiesOfBlock(block: Buffer): Properties {
  const writer = new FieldWriter()
  writer.variableByteInteger(block.length)
  writer.raw(block)
  const bytes = writer.block()
  return decodeProperties(new FieldReader(bytes, 0, bytes.length), WILL)
}

function toTheirs(packet: Packet, version: ProtocolVersion): Fields {
  switch (packet.kind) {
    case 'connect':
      return connectToTheirs(packet)
    case 'connack': {
      const { sessionPresent, reasonCode } = packet
      const properties = propertiesToTheirs(packet.properties)
      return version === 5
        ? { cmd: 'connack', sessionPresent, reasonCode, properties }
        : { cmd: 'connack', sessionPresent, returnCode: reasonCode }
    }
    case 'publish': {
      const { topicName: topic, payload, qos, retain, dup, packetId } = packet
      const properties = { ...packet.properties } as Properties
      if (packet.topicAlias > 0) properties.topicAlias = packet.topicAlias
      if (packet.messageExpiryInterval >= 0) properties.messageExpiryInterval = packet.messageExpiryInterval
      return {
        cmd: 'publish',
        topic,
        payload,
        qos,
        retain,
        dup,
        messageId: packetId,
        properties: propertiesToTheirs(properties),
      }
    }
    case 'ack':
      return { cmd: ackNames.get(packet.type), messageId: packet.packetId, reasonCode: packet.reasonCode }
    case 'subscribe': {
      const { subscriptionIdentifier, userProperties } = packet
      const properties: Properties = { userProperties }
      if (subscriptionIdentifier > 0) properties.subscriptionIdentifiers = [subscriptionIdentifier]
      const subscriptions = packet.filters.map((filter) => ({
        topic: filter.topicFilter,
        qos: filter.qos,
        nl: filter.noLocal,
        rap: filter.retainAsPublished,
        rh: filter.retainHandling,
      }))
      return {
        cmd: 'subscribe',
        messageId: packet.packetId,
        subscriptions,
        properties: propertiesToTheirs(properties),
      }
    }
    case 'unsubscribe': {
      const { packetId: messageId, topicFilters: unsubscriptions, userProperties } = packet
      return {
        cmd: 'unsubscribe',
        messageId,
        unsubscriptions,
        properties: propertiesToTheirs({ userProperties }),
      }
    }
    case 'suback':
    case 'unsuback': {
      const { kind: cmd, packetId: messageId, reasonCodes: granted } = packet
      return { cmd, messageId, granted, properties: propertiesToTheirs(packet.properties) }
    }
    case 'disconnect':
    case 'auth': {
      const { kind: cmd, reasonCode, ...properties } = packet
      return { cmd, reasonCode, properties: propertiesToTheirs(properties as Properties) }
    }
    default:
      return { cmd: packet.kind }
  }
}

function connectToTheirs(packet: Extract<Packet, { kind: 'connect' }>): Fields {
  const {
    version,
    isBridge,
    clientId,
    cleanStart,
    keepAlive,
    userName,
    password,
    will,
    kind,
    ...properties
  } = packet
  return {
    cmd: kind,
    protocolId: version === 3 ? 'MQIsdp' : 'MQTT',
    protocolVersion: version,
    bridgeMode: isBridge,
    clientId,
    clean: cleanStart,
    keepalive: keepAlive,
    username: userName,
    password,
    properties: propertiesToTheirs(properties as Properties),
    will: will && {
      topic: will.topicName,
      payload: will.payload,
      qos: will.qos,
      retain: will.retain,
      properties: propertiesToTheirs({
        ...propertiesOfBlock(will.properties),
        willDelayInterval: will.delayInterval,
        ...(will.messageExpiryInterval === undefined
          ? {}
          : { messageExpiryInterval: will.messageExpiryInterval }),
      }),
    },
  }
}

function fromTheirs(fields: Fields, version: ProtocolVersion): Packet {
  const properties = propertiesFromTheirs(fields.properties)
  const packetId = fields.messageId
  const reasonCode = fields.reasonCode ?? fields.returnCode ?? 0
  return packetFromTheirs(fields, version, properties, { packetId, reasonCode }) as unknown as Packet
}

function packetFromTheirs(
  fields: Fields,
  version: ProtocolVersion,
  properties: Properties,
  { packetId, reasonCode }: Fields,
): Fields {
  const { userProperties = [] } = properties
  switch (fields.cmd) {
    case 'connect':
      return connectFromTheirs(fields, version, properties)
    case 'connack':
      return { kind: 'connack', sessionPresent: fields.sessionPresent, reasonCode, properties }
    case 'publish': {
      const { topicAlias = 0, messageExpiryInterval = -1, ...passed } = properties
      const { topic: topicName, payload, qos, retain, dup } = fields
      const message = { topicName, payload, qos, retain, dup, packetId: packetId ?? 0 }
      return { kind: 'publish', ...message, topicAlias, messageExpiryInterval, properties: passed }
    }
    case 'subscribe':
      return {
        kind: 'subscribe',
        packetId,
        subscriptionIdentifier: properties.subscriptionIdentifiers?.[0] ?? 0,
        userProperties,
        filters: (fields.subscriptions as Fields[]).map(({ topic, qos, nl, rap, rh }) => ({
          topicFilter: topic,
          qos,
          noLocal: nl ?? false,
          retainAsPublished: rap ?? false,
          retainHandling: rh ?? 0,
        })),
      }
    case 'unsubscribe':
      return { kind: 'unsubscribe', packetId, userProperties, topicFilters: fields.unsubscriptions }
    case 'suback':
    case 'unsuback':
      return { kind: fields.cmd, packetId, reasonCodes: fields.granted ?? [], properties }
    case 'disconnect':
    case 'auth':
      return { kind: fields.cmd, reasonCode, userProperties: [], ...properties }
    case 'pingreq':
    case 'pingresp':
      return { kind: fields.cmd }
    default: {
      const type = [...ackNames].find(([, name]) => name === fields.cmd)?.[0]
      return { kind: 'ack', type, packetId, reasonCode }
    }
  }
}

function connectFromTheirs(fields: Fields, version: ProtocolVersion, properties: Properties): Fields {
  const will = fields.will as Fields | undefined
  const expiry = fields.clean ? 0 : SESSION_NEVER_EXPIRES
  return {
    kind: 'connect',
    version,
    isBridge: fields.bridgeMode ?? false,
    clientId: fields.clientId,
    cleanStart: fields.clean,
    keepAlive: fields.keepalive,
    sessionExpiryInterval: version === 5 ? (properties.sessionExpiryInterval ?? 0) : expiry,
    receiveMaximum: properties.receiveMaximum ?? 65_535,
    maximumPacketSize: properties.maximumPacketSize ?? PACKET_SIZE_MAX,
    topicAliasMaximum: properties.topicAliasMaximum ?? 0,
    requestResponseInformation: properties.requestResponseInformation ?? false,
    requestProblemInformation: properties.requestProblemInformation ?? true,
    userProperties: properties.userProperties ?? [],
    authenticationMethod: properties.authenticationMethod,
    authenticationData: properties.authenticationData,
    userName: fields.username,
    password: fields.password,
    will: will && willFromTheirs(will),
  }
}

function willFromTheirs(will: Fields): Fields {
  const { willDelayInterval = 0, messageExpiryInterval, ...passed } = propertiesFromTheirs(will.properties)
  return {
    topicName: will.topic,
    payload: will.payload,
    qos: will.qos,
    retain: will.retain,
    properties: encodeProperties(passed, WILL),
    messageExpiryInterval,
    delayInterval: willDelayInterval,
  }
}
