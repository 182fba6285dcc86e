// HTTP requests whose answers are read to a bound and no further. For services that authentication/ and
// authorization/ ask.

export const isHttpUrl = (text: string): boolean =>
  URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)

/** The body of a 200. Rejects with what fetch rejects with, for another status, and for a longer body. */
export async function fetchBounded(url: string, init: RequestInit, bytesMax: number): Promise<string> {
  const { status, body } = await fetch(url, init)
  if (status !== 200) throw new Error(`it answers ${status}`)
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of body ?? []) {
    bytes += chunk.length
    if (bytes > bytesMax) throw new Error(`the answer has more than ${bytesMax} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

export interface JsonService {
  readonly url: string
  /** Header Authorization; empty: there is none. */
  readonly authorization: string
  readonly timeoutMs: number
}

const JSON_BYTES_MAX = 65_536

/** JSON there and back. Rejects as fetchBounded, and for an answer that is none. */
export async function postJson(
  { url, authorization, timeoutMs }: JsonService,
  body: string,
): Promise<unknown> {
  const request = {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(authorization !== '' && { authorization }) },
    body,
    redirect: 'error', // Passwords go where the configuration says, and nowhere else.
    signal: AbortSignal.timeout(timeoutMs),
  } as const
  return JSON.parse(await fetchBounded(url, request, JSON_BYTES_MAX))
}

/** What fetch rejects with says little; its cause says why. */
export function reasonOf(error: unknown): string {
  const { message, cause } = error as Error
  return cause instanceof Error ? `${message}: ${cause.message}` : message
}
