// The property block of every MQTT 5 packet: into an object and back for the rare packets, checked in place
// for PUBLISH, whose block is passed on as bytes.
//
//   | block length (Variable Byte Integer) | id | value | id | value | ...
import { assert } from '../base/assert.ts'
import { FieldReader } from './field-reader.ts'
import { FieldWriter } from './field-writer.ts'
import { MqttError, malformed, protocolError } from './mqtt-error.ts'
import {
  bitOf,
  PROPERTIES,
  type Properties,
  type PropertyKind,
  type PropertyRow,
  PropertyType,
  type UserProperty,
} from './property-table.ts'
import { ReasonCode } from './reason-codes.ts'

const NONE: Properties = Object.freeze({})
const NO_BYTES = Buffer.alloc(0)

const rowOf: (PropertyRow | undefined)[] = []
for (const row of PROPERTIES) rowOf[row.id] = row

/** Reads block length and block. Throws MqttError. */
export function decodeProperties(reader: FieldReader, kind: PropertyKind): Properties {
  const length = reader.variableByteInteger('property length')
  if (length === 0) return NONE
  const start = reader.skip(length, 'properties')
  const block = new FieldReader(reader.bytes, start, start + length)
  const properties: Properties = {}
  while (block.remaining > 0) decodeProperty(block, kind, properties)
  if (properties.authenticationData !== undefined && properties.authenticationMethod === undefined) {
    protocolError('without an authentication method', 'authenticationData')
  }
  return properties
}

function decodeProperty(block: FieldReader, kind: PropertyKind, properties: Properties): void {
  const id = block.u8('property identifier')
  const row = rowOf[id]
  if (row === undefined || (row.kinds & bitOf(kind)) === 0)
    malformed(`not for this packet: ${id}`, 'property')
  const isRepeat = properties[row.name] !== undefined
  decodeInto(properties, block, row)
  if (isRepeat && (row.repeatableIn & bitOf(kind)) === 0) protocolError('more than once', row.name)
}

function decodeInto(properties: Properties, block: FieldReader, row: PropertyRow): void {
  switch (row.name) {
    case 'userProperties':
      addTo(properties, row.name, [block.utf8String(row.name), block.utf8String(row.name)])
      return
    case 'subscriptionIdentifiers':
      addTo(properties, row.name, readNumber(block, row))
      return
    default:
      // The name is the table's, never the peer's.
      ;(properties as Record<string, unknown>)[row.name] = readValue(block, row)
  }
  if (row.name === 'responseTopic') checkResponseTopic(properties.responseTopic as string)
}

function addTo(
  properties: Properties,
  name: 'userProperties' | 'subscriptionIdentifiers',
  value: UserProperty | number,
): void {
  const list = properties[name] as (UserProperty | number)[] | undefined
  if (list === undefined) (properties as Record<string, unknown>)[name] = [value]
  else list.push(value)
}

function readValue(block: FieldReader, row: PropertyRow): number | boolean | string | Buffer {
  switch (row.type) {
    case PropertyType.Text:
      return block.utf8String(row.name)
    case PropertyType.Binary:
      return block.binary(row.name)
    case PropertyType.Flag:
      return readNumber(block, row) === 1
    default:
      return readNumber(block, row)
  }
}

function readNumber(block: FieldReader, row: PropertyRow): number {
  const value = readInteger(block, row)
  if (value === 0 && row.zero !== ReasonCode.Success) throw new MqttError(row.zero, 'is 0', row.name)
  return value
}

function readInteger(block: FieldReader, row: PropertyRow): number {
  switch (row.type) {
    case PropertyType.U16:
      return block.u16(row.name)
    case PropertyType.U32:
      return block.u32(row.name)
    case PropertyType.VariableByteInteger:
      return block.variableByteInteger(row.name)
    default: {
      const byte = block.u8(row.name)
      if (byte > 1) protocolError('neither 0 nor 1', row.name)
      return byte
    }
  }
}

/** [v5 MQTT-3.3.2-14] [v5 MQTT-4.7.3-1] */
function checkResponseTopic(responseTopic: string): void {
  if (responseTopic === '') protocolError('is empty', 'responseTopic')
  if (/[+#]/.test(responseTopic)) protocolError('contains a wildcard', 'responseTopic')
}

/** The block without its length, user properties in their order. Empty for none. */
export function encodeProperties(properties: Properties, kind: PropertyKind): Buffer {
  let writer: FieldWriter | undefined
  for (const row of PROPERTIES) {
    const value = properties[row.name]
    if (value === undefined) continue
    assert((row.kinds & bitOf(kind)) !== 0, 'a property is sent only in packets that may carry it')
    writer ??= new FieldWriter()
    encodeProperty(writer, row, value)
  }
  return writer === undefined ? NO_BYTES : writer.block()
}

/** Block length and block. */
export function writeProperties(
  writer: FieldWriter,
  properties: Properties | undefined,
  kind: PropertyKind,
): void {
  const block = properties === undefined ? NO_BYTES : encodeProperties(properties, kind)
  writer.variableByteInteger(block.length)
  writer.raw(block)
}

function encodeProperty(writer: FieldWriter, row: PropertyRow, value: Properties[keyof Properties]): void {
  const values = row.repeatableIn === 0 ? [value] : (value as readonly unknown[])
  for (const each of values) {
    writer.u8(row.id)
    encodeValue(writer, row.type, each)
  }
}

function encodeValue(writer: FieldWriter, type: PropertyType, value: unknown): void {
  switch (type) {
    case PropertyType.Bit:
    case PropertyType.Flag:
      writer.u8(Number(value))
      return
    case PropertyType.U16:
      writer.u16(value as number)
      return
    case PropertyType.U32:
      writer.u32(value as number)
      return
    case PropertyType.VariableByteInteger:
      writer.variableByteInteger(value as number)
      return
    case PropertyType.Text:
      writer.utf8String(value as string)
      return
    case PropertyType.Binary:
      writer.binary(value as Buffer)
      return
    case PropertyType.TextPair: {
      const [name, text] = value as UserProperty
      writer.utf8String(name)
      writer.utf8String(text)
    }
  }
}
