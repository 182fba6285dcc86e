// mosquitto_rr asks, and each client by others answers. In 5.0 the question says where to; in 3.1.1 one has to know.
import { describe, expect, test } from 'vitest'
import type { ForeignMessage } from './foreign-client.ts'
import { foreignVersions, installedKinds, prepareForeignKinds } from './foreign-kinds.ts'
import { messageOf, Stage, textOf } from './foreign-stage.ts'
import { ExitCode, hasMosquittoClients, MosquittoProgram } from './mosquitto-programs.ts'

/** Where the answer is expected when the question cannot say so. */
const ANSWERS = 'answers/rr'

const storePath = prepareForeignKinds()

describe.skipIf(!hasMosquittoClients())('mosquitto_rr (needs mosquitto-clients)', () => {
  describe.each(foreignVersions)('speaking version %d', (version) => {
    test.concurrent.for(installedKinds)(
      'is answered by $name',
      async (kind, { onTestFinished: whenOver }) => {
        const stage = await Stage.open({ kind, version }, { path: storePath(), whenOver })
        const responder = await stage.join('responder', { topicFilters: ['questions/+'] })
        for (const qos of [0, 1, 2] as const) {
          const flags = [
            ...['-V', version === 5 ? '5' : '311', '-q', String(qos), '-W', '100', '-F', '%t %q %D %p'],
            ...['-t', 'questions/much', '-e', ANSWERS, '-m', 'how much'],
            ...(version === 5 ? ['-D', 'publish', 'correlation-data', `c-${qos}`] : []),
          ]
          const requester = new MosquittoProgram('mosquitto_rr', stage.port, flags, whenOver)
          const question = await responder.next()
          const correlationData = `c-${qos}`
          expect(question).toEqual(
            messageOf('questions/much', 'how much', {
              qos,
              properties: version === 5 ? { responseTopic: ANSWERS, correlationData } : {},
            }),
          )
          await responder.publish(answerTo(question))
          expect(await requester.ended, requester.errors.join('\n')).toBe(ExitCode.Success)
          const told = version === 5 ? correlationData : ''
          expect(requester.lines).toEqual([`${ANSWERS} ${qos} ${told} how much: 42`])
        }
      },
    )
  })
})

function answerTo(question: ForeignMessage): ForeignMessage {
  const { responseTopic = ANSWERS, correlationData } = question.properties
  const properties = correlationData === undefined ? {} : { correlationData }
  return messageOf(responseTopic, `${textOf(question)}: 42`, { qos: question.qos, properties })
}
