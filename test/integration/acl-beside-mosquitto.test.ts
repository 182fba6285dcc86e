// The same ACL file in front of the real thing and of godwit: the same questions to both, over the wire.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connectAsync, type MqttClient } from 'mqtt'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createBroker } from '../../src/index.ts'
import { temporaryFolder } from '../kit/temporary-folder.ts'
import { hasMosquitto, startMosquitto } from './mosquitto-broker.ts'

const ACL = `# who has no name
topic read news/#
topic  write   in box
topic deny news/secret
topic read end

user ada
topic a
topic read b/+/c
topic write b/#
topic deny b/x/#
topic readwrite b/x/c
topic read end
topic $x/#
topic read deep/+/+/#
topic %c/%u

user ada lovelace
topic read #
topic deny a/b
topic read end

user root
topic #
topic $x/#

user a#b
topic read end
topic own/#

pattern read to/%c/#
pattern write from/%u/%c
pattern readwrite %u
pattern deny b/y/c
pattern deny to/+/secret
pattern read public/#
pattern read end

# back to one who was there before
user ada
topic read late
`

const TOPICS = [
  'a',
  'a/',
  'a/b',
  'b',
  'b/x',
  'b/x/c',
  'b/y/c',
  'b/z/c',
  'b/z/c/d',
  'news',
  'news/secret',
  'news/x',
  'in box',
  'to/c1',
  'to/c1/secret',
  'to/c1/x',
  'to/c2/x',
  'from/ada/c1',
  'from/ada/c2',
  'from//c1',
  'ada',
  'ada lovelace',
  '$x/y',
  '$x',
  'deep/a/b',
  'deep/a/b/c/d',
  'deep/a',
  '%c/%u',
  'c1/ada',
  'public/x',
  'late',
  'own/x',
  '/',
  '//a',
] as const

/** User and client id. The last two are such as patterns are closed to, in both. */
const CLIENTS: readonly (readonly [string | undefined, string])[] = [
  [undefined, 'c1'],
  ['ada', 'c1'],
  ['ada', 'c2'],
  ['ada lovelace', 'c1'],
  ['bob', 'c1'],
  ['ada', 'c+1'],
  ['a#b', 'c1'],
]

interface Rights {
  readonly published: readonly string[]
  readonly received: readonly string[]
}

async function clientOf(port: number, username: string | undefined, clientId: string): Promise<MqttClient> {
  const client = await connectAsync({
    ...{ host: '127.0.0.1', port, clientId, clean: true, reconnectPeriod: 0 },
    ...(username !== undefined && { username }),
  })
  onTestFinished(() => void client.end(true))
  return client
}

/** The topics of what comes, until the last one. */
function heard(client: MqttClient): Promise<string[]> {
  const topics = new Set<string>()
  return new Promise((resolve) => {
    client.on('message', (topic) => {
      if (topic === 'end') resolve([...topics].sort())
      else topics.add(topic)
    })
  })
}

/** Whose messages reach somebody who may read everything, and which of those of somebody else reach the client. */
async function rightsOf(port: number, username: string | undefined, clientId: string): Promise<Rights> {
  const root = await clientOf(port, 'root', `root ${clientId} ${username}`)
  const client = await clientOf(port, username, clientId)
  await root.subscribeAsync(['#', '$x/#'])
  const published = heard(root)
  for (const topic of TOPICS) await client.publishAsync(topic, '', { qos: 1 })
  await root.publishAsync('end', '')
  const reached = await published
  // godwit says no to a filter that can bring nothing, MQTT.js takes that for an error.
  for (const filter of ['#', '$x/#', '+/+', ...TOPICS, 'end'])
    await client.subscribeAsync(filter).catch(() => {})
  const received = heard(client)
  for (const topic of TOPICS) await root.publishAsync(topic, '', { qos: 1 })
  await root.publishAsync('end', '')
  const rights = { published: reached, received: await received }
  await Promise.all([root.endAsync(), client.endAsync()])
  return rights
}

async function startGodwit(aclFile: string): Promise<number> {
  const broker = await createBroker({
    persistence: { enabled: false },
    allowAnonymous: true,
    authorization: { aclFile },
    // As Mosquitto without a password file: whoever names a user is that user.
    authenticate: ({ userName }) =>
      userName === undefined ? { kind: 'ignore' } : { kind: 'accept', identity: userName },
  })
  onTestFinished(() => broker.close())
  const [address] = await broker.listen([{ host: '127.0.0.1', port: 0 }])
  return address?.port ?? 0
}

describe.skipIf(!hasMosquitto())('an ACL file of Mosquitto', () => {
  it.each(CLIENTS)(
    'gives user %s with client id %s the same rights in godwit',
    async (userName, clientId) => {
      const aclFile = join(await temporaryFolder(), 'acl')
      await writeFile(aclFile, ACL)
      const theirs = await startMosquitto(['allow_anonymous true', `acl_file ${aclFile}`])
      const expected = await rightsOf(theirs, userName, clientId)
      expect(await rightsOf(await startGodwit(aclFile), userName, clientId)).toEqual(expected)
      // The table asks about something.
      expect(expected.published.length + expected.received.length).toBeGreaterThan(1)
    },
  )

  it.each([
    ['  topic   read   a ', true],
    ['topic read', true],
    ['topic read  a  b', true],
    ['topic write a\r', true],
    ['user   x y ', true],
    ['pattern read a', true],
    ['topic read %c', true],
    ['topic read $share/g/a', true],
    ['topic\tread a', false],
    [' # remark', false],
    ['topic', false],
    ['pattern', false],
    ['user', false],
    ['USER x', false],
    ['topic READ a', false],
    ['topic read,qos=0 a', false],
    ['topic a b', false],
    ['topic read a/#/b', false],
    ['topic a+', false],
  ])('is taken or refused for the line %j by both: %s', async (line, isTaken) => {
    const aclFile = join(await temporaryFolder(), 'acl')
    await writeFile(aclFile, `topic a\n${line}\n`)
    const theirs = (): Promise<number> => startMosquitto(['allow_anonymous true', `acl_file ${aclFile}`])
    const ours = (): Promise<number> => startGodwit(aclFile)
    if (isTaken) return void (await Promise.all([theirs(), ours()]))
    await expect(theirs()).rejects.toThrow('Error')
    await expect(ours()).rejects.toThrow(`${aclFile}:2: `)
  })

  it('differs where docs/authorization.md says so', async () => {
    const aclFile = join(await temporaryFolder(), 'acl')
    await writeFile(aclFile, 'topic read a\npattern read to/%c\n')
    const theirs = await startMosquitto(['allow_anonymous true', `acl_file ${aclFile}`])
    const ours = await startGodwit(aclFile)
    const grants = async (port: number): Promise<unknown[]> => {
      const client = await clientOf(port, undefined, 'x/y')
      const grantOf = (filter: string) =>
        client.subscribeAsync(filter).then(
          ([grant]) => grant?.qos,
          () => 'refused',
        )
      return [await grantOf('a'), await grantOf('b'), await grantOf('to/x/y')]
    }
    expect(await grants(theirs)).toEqual([0, 0, 0])
    expect(await grants(ours)).toEqual([0, 'refused', 'refused'])
  })
})
