// Files of TLS that are not as they should be: the start is refused, the file is named, and nobody is let in meanwhile.
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { writePair } from '../../certs/make.ts'
import type { ErrorCode } from '../../src/base/errors.ts'
import type { ListenerInput } from '../../src/config/schema.ts'
import { createBroker } from '../../src/server.ts'
import { type Certificates, certificates } from '../kit/certificates.ts'
import { openFrontDoor } from '../kit/front-door.ts'

type TlsInput = NonNullable<ListenerInput['tls']>

async function refusal(tls: TlsInput): Promise<{ code: ErrorCode; message: string }> {
  const listeners: ListenerInput[] = [{ port: 0 }, { protocol: 'mqtts', port: 0, tls }]
  const broker = await createBroker({ persistence: { enabled: false }, listeners })
  const error = await broker.listen().then(
    () => undefined,
    (reason) => reason,
  )
  await broker.close()
  return error
}

const GARBAGE = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n'
const cases: [string, (made: Certificates) => TlsInput, string, ErrorCode][] = [
  ['a missing certificate', (made) => made.pair('missing'), 'missing.crt', 'ERR_GODWIT_TLS_UNREADABLE'],
  [
    'an empty certificate',
    (made) => broken(made, 'server.crt', ''),
    'server.crt',
    'ERR_GODWIT_TLS_UNREADABLE',
  ],
  ['a blank key', (made) => broken(made, 'server.key', ' \n\n'), 'server.key', 'ERR_GODWIT_TLS_UNREADABLE'],
  [
    'a certificate that is none',
    (made) => broken(made, 'server.crt', 'x'),
    'server.crt',
    'ERR_GODWIT_TLS_INVALID',
  ],
  [
    'a broken certificate',
    (made) => broken(made, 'server.crt', GARBAGE),
    'server.crt',
    'ERR_GODWIT_TLS_INVALID',
  ],
  ['a key that is none', (made) => broken(made, 'server.key', 'x'), 'server.key', 'ERR_GODWIT_TLS_INVALID'],
  [
    'the key of another certificate',
    (made) => ({ ...made.pair('server'), key: made.file('client.key') }),
    'client.key is not the private key of',
    'ERR_GODWIT_TLS_MISMATCH',
  ],
  [
    'a further certificate with a wrong key',
    (made) => ({
      ...made.pair('server'),
      certificates: [{ certificate: made.file('client.crt'), key: made.file('server.key') }],
    }),
    'server.key is not the private key of',
    'ERR_GODWIT_TLS_MISMATCH',
  ],
  [
    'a missing CA',
    (made) => mutual(made, { ca: made.file('missing') }),
    'missing',
    'ERR_GODWIT_TLS_UNREADABLE',
  ],
  ['an empty CA', (made) => mutual(broken(made, 'ca.crt', '')), 'ca.crt', 'ERR_GODWIT_TLS_UNREADABLE'],
  ['a CA that is none', (made) => mutual(broken(made, 'ca.crt', 'x')), 'ca.crt', 'ERR_GODWIT_TLS_INVALID'],
  [
    'an empty revocation list',
    (made) => mutual(broken(made, 'ca.crl', '')),
    'ca.crl',
    'ERR_GODWIT_TLS_UNREADABLE',
  ],
  [
    'a revocation list that is none',
    (made) => mutual(broken(made, 'ca.crl', 'x')),
    'ca.crl',
    'ERR_GODWIT_TLS_INVALID',
  ],
  [
    'a broken revocation list',
    (made) => mutual(broken(made, 'ca.crl', GARBAGE.replaceAll('CERTIFICATE', 'X509 CRL'))),
    'listener mqtts-0',
    'ERR_GODWIT_TLS_INVALID',
  ],
  [
    'ciphers that there are not',
    (made) => ({ ...made.pair('server'), ciphers: 'NOTHING' }),
    'listener mqtts-0',
    'ERR_GODWIT_TLS_INVALID',
  ],
]

/** The options of a server, one of whose files has `text` in it. */
function broken(made: Certificates, name: string, text: string): TlsInput {
  writeFileSync(made.file(name), text)
  const isOfClients = name.startsWith('ca.')
  return { ...made.pair('server'), ...(isOfClients && { ca: made.file('ca.crt'), crl: made.file('ca.crl') }) }
}

function mutual(of: Certificates | TlsInput, more: TlsInput = {}): TlsInput {
  const options = 'pair' in of ? of.pair('server') : of
  return { ...options, requireCertificate: true, ...more }
}

describe('the start is refused', () => {
  it.each(cases)('with %s', async (_, options, text, code) => {
    const error = await refusal(options(await certificates()))
    expect(error).toMatchObject({ code, message: expect.stringContaining(text) })
  })

  it.each([
    ['nothing', ''],
    ['only comments', '# none yet\n'],
    ['no colon', 'a:ff\nmeter ff\n'],
    ['no key', 'a:ff\nmeter:\n'],
    ['half a byte', 'a:ff\nmeter:fff\n'],
    ['what is not hexadecimal', 'a:ff\nmeter:xy\n'],
    ['no identity', 'a:ff\n:ff\n'],
    ['an identity twice', 'a:ff\na:fe\n'],
    ['a key that is too long', `a:ff\nb:${'ff'.repeat(257)}\n`],
  ])('with a file of pre-shared keys that holds %s', async (_, text) => {
    const made = await certificates()
    writeFileSync(made.file('psk'), text)
    const { code, message } = await refusal({ pskFile: made.file('psk') })
    expect(code).toMatch(/^ERR_GODWIT_TLS_(INVALID|UNREADABLE)$/)
    expect(message).toContain(text.includes('a:ff') ? `${made.file('psk')}:2` : made.file('psk'))
  })
})

it('a certificate comes with those that signed it, in one file', async () => {
  const made = await certificates()
  const chain = readFileSync(made.file('server.crt'), 'utf8') + readFileSync(made.file('ca.crt'), 'utf8')
  writeFileSync(made.file('chain.crt'), chain)
  const tls = { certificate: made.file('chain.crt'), key: made.file('server.key') }
  await openFrontDoor([{ protocol: 'mqtts', port: 0, tls }])
})

it('a key that everybody may read is warned about', async () => {
  const made = await certificates()
  chmodSync(made.file('server.key'), 0o644)
  const { logged } = await openFrontDoor([{ protocol: 'mqtts', port: 0, tls: made.pair('server') }])
  expect(await logged(/everybody on this machine may read it/)).toMatchObject({
    level: 40,
    file: join(made.folder, 'server.key'),
  })
})

it('keys of certs/ are for their owner alone', async () => {
  const made = await certificates()
  await writePair(made.folder, 'more', await made.ca.client('CN=more'))
  const { log } = await openFrontDoor([{ protocol: 'mqtts', port: 0, tls: made.pair('server') }])
  expect(log.filter(({ msg }) => /may read it/.test(String(msg)))).toEqual([])
})
