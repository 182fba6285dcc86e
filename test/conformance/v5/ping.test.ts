// MQTT 5.0, chapter 3.12: PINGREQ and PINGRESP.
import { describe, it } from 'vitest'
import { flow } from '../../kit/flow.ts'
import { hex } from '../../kit/frames.ts'
import { disconnect, pingreq, pingresp, puback, publish1, suback, subscribe } from '../../kit/packets.ts'
import { openBroker } from '../../kit/test-broker.ts'

describe('PINGREQ', () => {
  it('[v5 MQTT-3.12.4-1] is answered by PINGRESP, each by one', async () => {
    const kit = await openBroker()
    await flow(await kit.client('c'))
      .send(pingreq)
      .receiveBytes(hex('d0 00'))
      .send(pingreq, pingreq, pingreq)
      .receive(pingresp, pingresp, pingresp)
      .receiveNothing()
  })

  it('[v5 MQTT-3.12.4-1] is answered in its turn, between the packets around it', async () => {
    const kit = await openBroker()
    await flow(await kit.client('c'))
      .send(pingreq, subscribe(1, 'a', 0), pingreq, publish1(2, 'b', 'x'), pingreq)
      .receive(pingresp, suback(1, 0), pingresp, puback(2, 0x10), pingresp)
      .receiveNothing()
  })

  it('[v5 MQTT-3.12.4-1] is answered byte by byte as well, and keeps the connection alive', async () => {
    const kit = await openBroker()
    const peer = await kit.client('c', { fields: { keepalive: 10 } })
    for (let i = 0; i < 5; i++) {
      kit.clock.advance(14_000)
      await flow(peer)
        .send(hex('c0'))
        .do(() => kit.settle())
        .send(hex('00'))
        .receive(pingresp)
    }
    kit.clock.advance(16_000)
    await flow(peer).receive(disconnect(0x8d)).closed()
  })
})
