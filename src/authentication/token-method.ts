// A token in CONNECT's Authentication Data, and a fresh one in an AUTH before the first expires: the SASL mechanism
// OAUTHBEARER (RFC 7628).
//
//   n,a=ada,^Aauth=Bearer eyJ...^A^A        ^A is 0x01; a= may be left out, or must be the user of the token
import { ReasonCode } from '../packet/reason-codes.ts'
import type { Refusal } from './authenticator.ts'
import type { AuthenticatingClient } from './client.ts'
import type { AuthenticationAnswer, AuthenticationMethod } from './method.ts'
import type { Tokens } from './tokens.ts'

const CHARACTERS_MAX = 20_000
const HEADER = /^n,(?:a=([^,]*))?,$/
const TOKEN = /^auth=Bearer ([\w-]+\.[\w-]+\.[\w-]*)$/i

const NOT_SO: Refusal = {
  kind: 'refuse',
  reasonCode: ReasonCode.BadUserNameOrPassword,
  why: 'the data is not in the form of OAUTHBEARER',
}

export const tokenMethod = (tokens: Tokens): AuthenticationMethod => ({
  name: 'OAUTHBEARER',
  begin: (client) => async (data) => answerTo(tokens, client, data),
})

async function answerTo(
  tokens: Tokens,
  client: AuthenticatingClient,
  data: Buffer | undefined,
): Promise<AuthenticationAnswer> {
  const fields = data === undefined || data.length > CHARACTERS_MAX ? [] : data.toString().split('\x01')
  const header = HEADER.exec(fields[0] ?? '')
  const token = fields.map((field) => TOKEN.exec(field)?.[1]).find((found) => found !== undefined)
  if (header === null || token === undefined || fields.slice(-2).join('') !== '') return NOT_SO
  const [, user] = header
  const verdict = await tokens.verdictOf(token, client)
  if (verdict.kind === 'accept' && user !== undefined && user !== verdict.identity) {
    return { kind: 'refuse', why: 'a token of one user, shown for another' }
  }
  return verdict
}
