// CONNECT, as a step says it and as it goes on the wire. Used by client.ts.
import type { Will } from '../../src/packet/connect.ts'
import { type ConnectOptions, NEVER_EXPIRES } from './model.ts'
import type { ConnectStep } from './steps.ts'
import { TOPICS } from './topics.ts'

/** What the step means in its version. */
export function optionsOf(step: ConnectStep, willPayload: string): ConnectOptions {
  const isV5 = step.version === 5
  const { will } = step
  const topic = TOPICS[step.client] as string
  return {
    version: step.version,
    cleanStart: step.cleanStart,
    expiry: isV5 ? step.expiry : step.cleanStart ? 0 : NEVER_EXPIRES,
    receiveMaximum: isV5 ? step.receiveMaximum : 65_535,
    keepAlive: step.keepAlive,
    will: will && {
      publish: {
        topic,
        payload: willPayload,
        qos: will.qos,
        retain: will.retain,
        expiry: isV5 ? will.expiry : 0,
      },
      delay: isV5 ? will.delay : 0,
    },
  }
}

/** As the codec wants it. */
export function willOf({ will }: ConnectOptions): Will | undefined {
  if (will === undefined) return undefined
  const { topic: topicName, payload, qos, retain, expiry } = will.publish
  return {
    topicName,
    payload: Buffer.from(payload),
    qos,
    retain,
    properties: Buffer.alloc(0),
    messageExpiryInterval: expiry === 0 ? undefined : expiry,
    delayInterval: will.delay,
  }
}
