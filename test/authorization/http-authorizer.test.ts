// A service over HTTP that is asked what a client may do: real requests to a server on the loopback address.
import { connectAsync } from 'mqtt'
import { describe, expect, it, onTestFinished } from 'vitest'
import { httpAuthorizer } from '../../src/authorization/http-authorizer.ts'
import { type Broker, createBroker } from '../../src/index.ts'
import { type HttpAnswer, HttpServer } from '../authentication/http-server.ts'

const result = (text: string): HttpAnswer => ({ body: JSON.stringify({ result: text }) })

async function openBroker(http: {
  url: string
  authorization?: string
  requestsAtOnceMax?: number
}): Promise<{ broker: Broker; port: number }> {
  const broker = await createBroker({
    persistence: { enabled: false },
    allowAnonymous: true,
    authorization: { http },
    authenticate: ({ userName }) =>
      userName === undefined ? { kind: 'ignore' } : { kind: 'accept', identity: userName },
  })
  onTestFinished(() => broker.close())
  const [address] = await broker.listen([{ host: '127.0.0.1', port: 0 }])
  return { broker, port: address?.port ?? 0 }
}

async function clientOf(port: number, clientId: string, username?: string) {
  const client = await connectAsync({
    ...{ host: '127.0.0.1', port, clientId, protocolVersion: 5, reconnectPeriod: 0 },
    ...(username !== undefined && { username }),
  })
  onTestFinished(() => void client.end(true))
  return client
}

describe('a service over HTTP', () => {
  it('is told who wants to do what, and does not hear of it again for a while', async () => {
    const server = await HttpServer.open(() => result('allow'))
    const { port } = await openBroker({ url: server.url, authorization: 'Bearer x' })
    const ada = await clientOf(port, 'c', 'ada')
    await ada.subscribeAsync('$share/g/a/#')
    for (let i = 0; i < 3; i++) await ada.publishAsync('a/b', '', { qos: 1, retain: true })
    expect(server.asked.map(({ body }) => JSON.parse(body))).toEqual([
      {
        clientid: 'c',
        username: 'ada',
        peerhost: '127.0.0.1',
        listener: expect.any(String),
        action: 'subscribe',
        topic: 'a/#',
      },
      expect.objectContaining({ action: 'publish', topic: 'a/b', qos: 1, retain: true }),
    ])
    expect(server.asked[0]).toMatchObject({
      method: 'POST',
      headers: { authorization: 'Bearer x', 'content-type': 'application/json' },
    })
  })

  it.each([
    ['denies it', () => result('deny')],
    ['has no opinion', () => result('ignore')],
    ['says something else', () => result('yes')],
    ['answers with no JSON', () => ({ body: 'allow' })],
    ['answers 204', () => ({ status: 204 })],
    ['answers 500', () => ({ status: 500, body: '{"result":"allow"}' })],
    ['sends elsewhere', () => ({ status: 302, headers: { location: '/' }, body: '{"result":"allow"}' })],
    ['says too much', () => ({ body: `{"result":"allow","x":"${'x'.repeat(70_000)}"}` })],
    ['hangs up', () => 'hang up' as const],
  ])('that %s refuses', async (_, answer) => {
    const server = await HttpServer.open(answer)
    const { port } = await openBroker({ url: server.url })
    const client = await clientOf(port, 'c')
    await expect(client.publishAsync('a', '', { qos: 1 })).rejects.toThrow('Not authorized')
    await expect(client.subscribeAsync('a')).rejects.toThrow('Not authorized')
  })

  it('that is not there refuses, and clients stay', async () => {
    const { port } = await openBroker({ url: 'http://127.0.0.1:1/' })
    const client = await clientOf(port, 'c')
    await expect(client.publishAsync('a', '', { qos: 1 })).rejects.toThrow('Not authorized')
    expect(client.connected).toBe(true)
  })

  it('is asked no more at once than it may be', async () => {
    let [now, most] = [0, 0]
    const server = await HttpServer.open(async () => {
      most = Math.max(most, ++now)
      await new Promise((resolve) => setImmediate(resolve))
      now--
      return result('allow')
    })
    const { port } = await openBroker({ url: server.url, requestsAtOnceMax: 2 })
    const clients = await Promise.all(['1', '2', '3', '4', '5'].map((clientId) => clientOf(port, clientId)))
    await Promise.all(clients.map((client) => client.publishAsync('a', '', { qos: 1 })))
    expect(server.asked).toHaveLength(5)
    expect(most).toBeLessThanOrEqual(2)
  })

  it('must have an address of http or https', () => {
    const settings = { http: { url: 'ftp://x', authorization: '', requestsAtOnceMax: 1 }, timeoutMs: 1 }
    expect(() => httpAuthorizer(settings, Date.now)).toThrow(
      'authorization.http.url is no address of http or https',
    )
  })
})
