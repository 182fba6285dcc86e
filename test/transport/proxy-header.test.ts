// The PROXY header, versions 1 and 2: what it says, how much of it must have come, and what is none.
import { describe, expect, it } from 'vitest'
import { ProxyHeaderError, parseProxyHeader } from '../../src/transport/proxy-header.ts'

const SIGNATURE = '0d0a0d0a000d0a515549540a'
const line = (text: string): Buffer => Buffer.from(text, 'latin1')
const binary = (hex: string): Buffer => Buffer.from(SIGNATURE + hex.replaceAll(' ', ''), 'hex')
const CLIENT = Buffer.from('100c00044d51', 'hex')

const ipv4 = '2111 000c  c0000207 c6336401  c350 075b'
const ipv6 = `2121 0024  20010db8000000000000000000000007 20010db8000000000000000000000001  c350 075b`
const withTlvs = '2111 0014  c0000207 c6336401  c350 075b  04 0000 20 0002 abcd'

const valid: [string, Buffer, { host: string; port: number } | undefined][] = [
  ['TCP4', line('PROXY TCP4 192.0.2.7 198.51.100.1 50000 1883\r\n'), { host: '192.0.2.7', port: 50_000 }],
  ['TCP6', line('PROXY TCP6 2001:db8::7 2001:db8::1 50000 1883\r\n'), { host: '2001:db8::7', port: 50_000 }],
  [
    'TCP6 with an IPv4 address',
    line('PROXY TCP6 ::ffff:192.0.2.7 ::1 1 2\r\n'),
    { host: '192.0.2.7', port: 1 },
  ],
  ['UNKNOWN', line('PROXY UNKNOWN\r\n'), undefined],
  ['UNKNOWN with addresses', line('PROXY UNKNOWN ff::1 ff::2 50000 1883\r\n'), undefined],
  ['the longest line', line(`PROXY UNKNOWN ${'x'.repeat(91)}\r\n`), undefined],
  ['version 2, IPv4', binary(ipv4), { host: '192.0.2.7', port: 50_000 }],
  ['version 2, IPv6', binary(ipv6), { host: '2001:db8::7', port: 50_000 }],
  ['version 2 with TLVs', binary(withTlvs), { host: '192.0.2.7', port: 50_000 }],
  ['version 2, LOCAL', binary('2000 0000'), undefined],
  ['version 2, LOCAL with what is ignored', binary('2011 0003 ffffff'), undefined],
  ['version 2, unspecified', binary('2100 0000'), undefined],
  ['version 2, unix sockets', binary(`2131 00d8 ${'00'.repeat(216)}`), undefined],
]

describe.each(valid)('%s', (_, header, source) => {
  it('says where the client is, and how long it is itself', () => {
    expect(parseProxyHeader(header)).toEqual({ length: header.length, source })
    expect(parseProxyHeader(Buffer.concat([header, CLIENT]))).toEqual({ length: header.length, source })
  })

  it('is waited for until it is whole', () => {
    for (let end = 1; end < header.length; end++) {
      expect(parseProxyHeader(header.subarray(0, end)), String(end)).toBeUndefined()
    }
  })
})

it.each([
  ['MQTT', CLIENT],
  ['TLS', Buffer.from('1603010200', 'hex')],
  ['lower case', line('proxy TCP4 ')],
  ['an unknown family', line('PROXY UDP4 192.0.2.7 198.51.100.1 1 2\r\n')],
  ['no family', line('PROXY \r\n')],
  ['an address of the other family', line('PROXY TCP4 2001:db8::7 198.51.100.1 1 2\r\n')],
  ['a name for an address', line('PROXY TCP4 localhost 198.51.100.1 1 2\r\n')],
  ['a missing port', line('PROXY TCP4 192.0.2.7 198.51.100.1 1\r\n')],
  ['a port too large', line('PROXY TCP4 192.0.2.7 198.51.100.1 65536 2\r\n')],
  ['a port with a sign', line('PROXY TCP4 192.0.2.7 198.51.100.1 +1 2\r\n')],
  ['a port with a zero before it', line('PROXY TCP4 192.0.2.7 198.51.100.1 01 2\r\n')],
  ['more than there is', line('PROXY TCP4 192.0.2.7 198.51.100.1 1 2 3\r\n')],
  ['two spaces', line('PROXY TCP4  192.0.2.7 198.51.100.1 1 2\r\n')],
  ['no end', line(`PROXY UNKNOWN ${'x'.repeat(93)}`)],
  ['version 1 in binary', binary('1111 000c')],
  ['version 3', binary('3111 000c')],
  ['an unknown command', binary('2211 000c')],
  ['an unknown family in binary', binary('2141 000c')],
  ['too much to wait for', binary('2111 0801')],
  ['addresses cut short', binary('2111 000b c0000207c6336401c35007')],
  ['a TLV cut short in its head', binary('2111 000e c0000207c6336401c350075b 0400')],
  ['a TLV longer than what is left', binary('2111 000f c0000207c6336401c350075b 040001')],
])('%s is refused', (_, bytes) => {
  expect(() => parseProxyHeader(bytes)).toThrow(ProxyHeaderError)
})
