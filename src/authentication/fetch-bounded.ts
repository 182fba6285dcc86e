// An HTTP request whose answer is read to a bound and no further. For http-authenticator.ts and token-keys.ts.

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

/** What fetch rejects with says little; its cause says why. */
export function reasonOf(error: unknown): string {
  const { message, cause } = error as Error
  return cause instanceof Error ? `${message}: ${cause.message}` : message
}
