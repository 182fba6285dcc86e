// A page in a browser: MQTT.js over WebSocket in headless Chromium publishes to the broker and receives from it.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openFrontDoor } from '../kit/front-door.ts'
import { temporaryFolder } from '../kit/temporary-folder.ts'

const CHROMIUM = ['chromium', 'chromium-browser', 'google-chrome'].find(
  (program) => spawnSync(program, ['--version']).status === 0,
)
if (CHROMIUM === undefined) {
  process.stderr.write(
    '\n*** not installed: chromium; the tests in a browser are SKIPPED ***\n' +
      '*** Debian: apt-get install chromium ***\n\n',
  )
}

const clientScript = join(import.meta.dirname, '../../node_modules/mqtt/dist/mqtt.min.js')

/** Publishes what it received, and what went wrong, so that the broker hears of it. */
const pageFor = (port: number): string => `<!doctype html><script src="/mqtt.js"></script><script>
  const client = mqtt.connect('ws://127.0.0.1:${port}/mqtt', { protocolVersion: 5, reconnectPeriod: 0 })
  client.on('connect', async () => {
    await client.subscribeAsync('to/page', { qos: 1 })
    await client.publishAsync('from/page', 'subscribed', { qos: 1 })
  })
  client.on('message', (topic, payload) => client.publish('from/page', 'heard ' + payload, { qos: 2 }))
</script>`

async function serveHttp(pages: Readonly<Record<string, string | Buffer>>): Promise<string> {
  const server = createServer(({ url = '' }, response) => {
    const page = pages[url]
    response.writeHead(page === undefined ? 404 : 200, {
      'Content-Type': url === '/' ? 'text/html' : 'text/javascript',
    })
    response.end(page)
  }).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

async function openPage(url: string): Promise<void> {
  const quiet = [
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ]
  const profile = `--user-data-dir=${await temporaryFolder()}`
  const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', ...quiet, profile]
  const browser = spawn(CHROMIUM as string, [...flags, '--remote-debugging-port=0', url], { stdio: 'ignore' })
  const ended = once(browser, 'exit')
  onTestFinished(async () => {
    browser.kill('SIGKILL')
    await ended
  })
}

describe.skipIf(CHROMIUM === undefined)('a page in Chromium', () => {
  it('publishes and receives over WebSocket', { timeout: 60_000 }, async () => {
    const { port, broker } = await openFrontDoor([{ protocol: 'ws', port: 0 }])
    const heard: string[] = []
    let wake = (): void => {}
    broker.subscribe('from/page', ({ payload }) => {
      heard.push(payload.toString())
      wake()
    })
    const hears = async (text: string): Promise<void> => {
      while (!heard.includes(text)) await new Promise<void>((resolve) => (wake = resolve))
    }
    await openPage(await serveHttp({ '/': pageFor(port), '/mqtt.js': readFileSync(clientScript) }))
    await hears('subscribed')
    await broker.publish({ topicName: 'to/page', payload: 'a word', qos: 1 })
    await hears('heard a word')
    expect(heard).toEqual(['subscribed', 'heard a word'])
  })

  it('of another site is refused where everybody may come in', { timeout: 60_000 }, async () => {
    const { port, logged } = await openFrontDoor([
      { protocol: 'ws', port: 0, websocket: { origins: ['https://app.example'] } },
    ])
    const url = await serveHttp({ '/': pageFor(port), '/mqtt.js': readFileSync(clientScript) })
    await openPage(url)
    expect(await logged(/websocket-refused/)).toMatchObject({
      error: `pages of ${url.slice(0, -1)} may not connect (websocket.origins)`,
    })
  })
})
