// UTF-8 Encoded Strings as MQTT wants them: well-formed, no U+0000, everything else kept as it is.
// Used by FieldReader for each string of a packet, and by the PUBLISH hot path without making strings.
import { isUtf8 } from 'node:buffer'
import { malformed } from './mqtt-error.ts'

/** Up to here a byte loop beats the call into isUtf8 and the view it needs. */
const LOOP_BYTES_MAX = 64

/** Present on every Buffer and 10 to 20 ns cheaper than toString('utf8'), but not in the type declarations. */
interface Sliceable {
  utf8Slice(start: number, end: number): string
}

/**
 * The string in bytes[start..end). Throws MqttError 0x81 for what is no UTF-8: stray, overlong or cut sequences,
 * surrogates [v5 MQTT-1.5.4-1] [v3.1.1 MQTT-1.5.3-1], and for U+0000 [v5 MQTT-1.5.4-2] [v3.1.1 MQTT-1.5.3-2].
 * A byte order mark stays a character like any other [v5 MQTT-1.5.4-3] [v3.1.1 MQTT-1.5.3-3].
 */
export function decodeUtf8(bytes: Buffer, start: number, end: number, field: string): string {
  const text = (bytes as unknown as Sliceable).utf8Slice(start, end)
  // The decoder puts U+FFFD where it cannot decode; only then is it worth a second look at the bytes.
  if (text.includes('\ufffd') && !isUtf8(bytes.subarray(start, end))) malformed('ill-formed UTF-8', field)
  if (text.includes('\0')) malformed('U+0000', field)
  return text
}

/** As decodeUtf8, without making the string. */
export function checkUtf8(bytes: Buffer, start: number, end: number, field: string): void {
  if (end - start <= LOOP_BYTES_MAX && isPlainAscii(bytes, start, end)) return
  const view = bytes.subarray(start, end)
  if (!isUtf8(view)) malformed('ill-formed UTF-8', field)
  if (view.includes(0)) malformed('U+0000', field)
}

function isPlainAscii(bytes: Buffer, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    const byte = bytes[i] as number
    if (byte === 0 || byte >= 0x80) return false
  }
  return true
}
