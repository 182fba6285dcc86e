// An HTTP request whose answer is read to a bound and no further. For http-authenticator.ts and token-keys.ts.

export interface BoundedAnswer {
  readonly status: number
  readonly body: string
}

/** Rejects with what fetch rejects with, and for a longer body. */
export async function fetchBounded(url: string, init: RequestInit, bytesMax: number): Promise<BoundedAnswer> {
  const { status, body } = await fetch(url, init)
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of body ?? []) {
    bytes += chunk.length
    if (bytes > bytesMax) throw new Error(`the answer has more than ${bytesMax} bytes`)
    chunks.push(chunk)
  }
  return { status, body: Buffer.concat(chunks).toString() }
}
