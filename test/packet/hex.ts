// How the tables of this folder write bytes: hexadecimal with quoted text between, one argument a field.

/** hex('10 0c', '00 04 "MQTT"', '04') */
export function hex(...fields: string[]): Buffer {
  const parts = fields.join(' ').split('"')
  return Buffer.concat(
    parts.map((part, i) =>
      i % 2 === 1 ? Buffer.from(part) : Buffer.from(part.replaceAll(/\s/g, ''), 'hex'),
    ),
  )
}

/** First byte, then the fields with their Remaining Length before them. */
export function frame(firstByte: string, ...fields: string[]): Buffer {
  const body = hex(...fields)
  const length: number[] = []
  let rest = body.length
  do {
    length.push((rest % 128) + (rest >= 128 ? 128 : 0))
    rest = Math.floor(rest / 128)
  } while (rest > 0)
  return Buffer.concat([hex(firstByte), Buffer.from(length), body])
}
