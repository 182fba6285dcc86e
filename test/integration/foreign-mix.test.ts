// All clients by others at one broker, each over 3.1.1 and over 5.0: each hears all, whatever the others speak.
import { expect, test } from 'vitest'
import type { ForeignProperties } from './foreign-client.ts'
import { foreignVersions, installedKinds, prepareForeignKinds } from './foreign-kinds.ts'
import { type Actor, messageOf, Stage } from './foreign-stage.ts'

const storePath = prepareForeignKinds()
const actors = installedKinds.flatMap((kind) => foreignVersions.map((version) => ({ kind, version })))
const nameOf = ({ kind, version }: Actor): string => `${kind.name}, ${version}`

for (const qos of [0, 1, 2] as const) {
  test.concurrent(`every client hears every other at QoS ${qos}, over both versions`, async (context) => {
    const settings = { path: storePath(), whenOver: context.onTestFinished }
    const stage = await Stage.open(actors[0] as Actor, settings)
    const joinAs = (actor: Actor) =>
      stage.as(actor).join(nameOf(actor), { topicFilters: ['mix/#'], maximumQos: qos })
    const clients = await Promise.all(actors.map(joinAs))
    for (const [i, publisher] of actors.entries()) {
      const topicName = `mix/${nameOf(publisher)}`
      const properties: ForeignProperties = publisher.version === 5 ? { contentType: 'text/plain' } : {}
      await clients[i]?.publish(messageOf(topicName, 'hello', { qos: 2, properties }))
      for (const [j, subscriber] of actors.entries()) {
        const arrived = subscriber.version === 5 ? properties : {}
        const message = await clients[j]?.next()
        const expected = messageOf(topicName, 'hello', { qos, properties: arrived })
        expect(message, `${nameOf(subscriber)} hears ${topicName}`).toEqual(expected)
      }
    }
  })
}
