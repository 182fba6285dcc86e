// How clients prove who they are.
import { z } from 'zod'
import { count } from './count.ts'

const HOUR_MS = 3_600_000
const DAY_SECONDS = 86_400

const text = (description: string) => z.string().max(4_096).default('').describe(description)

const jwt = z
  .strictObject({
    secretFile: text(
      'File of the secret that tokens are signed with, 32 bytes or more. Empty: there is none.',
    ),
    keyFile: text(
      'File of the public key: PEM, a certificate, a JWK or a set of them. Empty: there is none.',
    ),
    jwksUrl: text(
      'Address of a set of public keys, such as "https://id.example/jwks". Empty: there is none.',
    ),
    algorithms: z
      .array(
        z.enum([
          ...(['HS256', 'HS384', 'HS512'] as const),
          ...(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'] as const),
          ...(['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'] as const),
        ]),
      )
      .readonly()
      .default([])
      .describe('Algorithms of signatures that are taken. Empty: all that go with the kind of key.'),
    issuer: text('What the claim iss must be. Empty: anything.'),
    audience: text('What the claim aud must be, or hold. Empty: anything.'),
    userNameClaim: z.string().min(1).max(256).default('sub').describe('The claim that says who it is.'),
    clientIdClaim: text('The claim that says with which client id. Empty: any.'),
    rightsClaim: z
      .string()
      .min(1)
      .max(256)
      .default('acl')
      .describe('The claim that has the rights, where there is one.'),
    requireExpiry: z.boolean().default(true).describe('Whether a token without exp is refused.'),
    toleranceSeconds: count(0, 3_600, 5, 'Seconds by which clocks may differ.'),
    jwksCacheSeconds: count(1, DAY_SECONDS, 600, 'Seconds after which keys of jwksUrl are fetched anew.'),
    timeoutMs: count(1, HOUR_MS, 5_000, 'Milliseconds that fetching keys may take.'),
  })
  .readonly()

const http = z
  .strictObject({
    url: text('Address of a service that is asked, such as "https://id.example/mqtt". Empty: none is.'),
    authorization: text('Header Authorization of the request, such as "Bearer ...". Empty: it has none.'),
    timeoutMs: count(1, HOUR_MS, 5_000, 'Milliseconds that an answer may take.'),
    cacheSeconds: count(
      0,
      DAY_SECONDS,
      30,
      'Seconds for which it is not asked again about a client that it has allowed; 0: it always is.',
    ),
  })
  .readonly()

export const authenticatorName = z.enum(['tls', 'jwt', 'password-file', 'http', 'function'])

export const authentication = z
  .strictObject({
    order: z
      .array(authenticatorName)
      .readonly()
      .default(authenticatorName.options)
      .describe('Who is asked about a client, in this order; the first that decides has decided.'),
    passwordFile: text(
      'File of users, a line each: user:hash, as mosquitto_passwd and godwit passwd write it. Empty: there are none.',
    ),
    scramFile: text('File of users for SCRAM alone, a line each: user:verifier. Empty: there are none.'),
    scramSecret: z
      .string()
      .max(1_024)
      .default('')
      .describe(
        'From it come the salts shown for unknown users. Empty: random, and others after each start.',
      ),
    jwt: jwt.prefault({}).describe('Tokens in the place of passwords.'),
    http: http.prefault({}).describe('A service that is asked who a client is.'),
    stepsMax: count(1, 1_000, 10, 'Packets with which a client may take part in one authentication.'),
    stepsAtOnceMax: count(
      1,
      100_000,
      16,
      'Clients looked into at once, with look-ups, hashing and requests; further ones wait.',
    ),
    hashesAtOnceMax: count(
      1,
      1_000,
      2,
      'Passwords hashed at once, on threads that the disk waits for too; further ones wait.',
    ),
    failuresFree: count(
      0,
      1_000_000,
      10,
      'Failures in a row, of an address or a user name, after which it has to wait longer and longer.',
    ),
    backOffMaxMs: count(0, HOUR_MS, 60_000, 'The longest such wait, in milliseconds; 0: there is none.'),
    timeoutMs: count(
      1,
      HOUR_MS,
      30_000,
      'Milliseconds of one authentication; that of a CONNECT is held to connectTimeoutMs too.',
    ),
  })
  .readonly()
