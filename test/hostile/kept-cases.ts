// Cases that were findings once, or stand for one: a sentence, a script as in script.ts, and what comes of it. Played
// by kept-cases.test.ts on every store and over both kinds of connection; a finding of `npm run fuzz` goes to the end.

export interface KeptCase {
  /** What was wrong, or would be. */
  readonly found: string
  readonly script: string
  /**
   * What each connection hears until it is gone, in the order of their beginnings; in words of summaryOf. Left out
   * where that depends on what the disk has down.
   */
  readonly hears?: readonly string[]
}

/** CONNECT of client h with a clean start in 3.1.1 and 5.0, and of others. */
const CONNECT4 = '100d 0004 4d515454 04 02 0000 0001 68'
const CONNECT5 = '100e 0004 4d515454 05 02 0000 00 0001 68'
const OTHER4 = '100d 0004 4d515454 04 02 0000 0001 69'
const OTHER5 = '100e 0004 4d515454 05 02 0000 00 0001 69'
const THIRD4 = '100d 0004 4d515454 04 02 0000 0001 6a'
const THIRD5 = '100e 0004 4d515454 05 02 0000 00 0001 6a'
/** Of client h with a session that is kept, and with a Receive Maximum of 1. */
const KEPT4 = '100d 0004 4d515454 04 00 0000 0001 68'
const NARROW5 = '1011 0004 4d515454 05 02 0000 03 210001 0001 68'

const beforeConnect: KeptCase[] = [
  {
    found: 'a packet before CONNECT reached a handler that expects a session',
    script: `
      0 says 3003 0001 61
      1 says 8206 0001 0001 61 00
      2 says e000`,
    hears: ['', '', ''],
  },
  {
    found: 'a length of 256 MB before CONNECT was waited for',
    script: '0 says 10ffffff7f 0004 4d515454 04',
    hears: [''],
  },
  {
    found: 'a remaining length of five bytes was read on, in one chunk or over several',
    script: `
      0 says 30ffffffff01
      1 says ${CONNECT5}
      turn
      1 says 30ff
      turn
      1 says ffff
      turn
      1 says ff01`,
    hears: ['', 'CONNACK 00, DISCONNECT 81'],
  },
  {
    found: 'a will to a topic with a wildcard was refused after its session was made',
    script: `
      0 says 1018 0004 4d515454 04 04 0000 0001 68 0004 612f622b 0003 626164
      turn
      0 cuts
      0 says ${KEPT4}`,
    hears: ['', 'CONNACK 00'],
  },
  {
    found: 'a CONNACK above the Maximum Packet Size was left out, and its client waited for it for ever',
    script: '0 says 1013 0004 4d515454 05 02 0000 05 2700000004 0001 68 c000',
    hears: [''],
  },
]

const outOfPlace: KeptCase[] = [
  {
    found: 'a second CONNECT was taken as the first',
    script: `
      0 says ${CONNECT5}
      1 says ${OTHER4}
      turn
      0 says ${CONNECT5}
      1 says ${OTHER4}`,
    hears: ['CONNACK 00, DISCONNECT 82', 'CONNACK 00'],
  },
  {
    found: 'a packet that only a server sends was decoded',
    script: `
      0 says ${CONNECT5} 20020000
      1 says ${OTHER4} d000
      2 says ${THIRD4} 9003 0001 00`,
    hears: ['CONNACK 00, DISCONNECT 82', 'CONNACK 00', 'CONNACK 00'],
  },
  {
    found: 'an AUTH without an authentication method, or before 5.0, was answered as if there were one',
    script: `
      0 says ${CONNECT5} f000
      1 says ${OTHER4} f000`,
    hears: ['CONNACK 00, DISCONNECT 82', 'CONNACK 00'],
  },
  {
    found: 'packets after DISCONNECT in the same chunk were handled',
    script: `
      0 says ${OTHER4} 8206 0001 0001 61 00
      turn
      1 says ${CONNECT4} 3004 0001 61 31 e000 3004 0001 61 32 0000`,
    hears: ['CONNACK 00, SUBACK 000100, PUBLISH 00016131', 'CONNACK 00'],
  },
  {
    found: 'an acknowledgement of the wrong kind, or of nothing, completed a message',
    script: `
      0 says ${CONNECT4} 8206 0001 0001 61 01 3205 0001 61 0005
      turn
      0 says 62020001 40020002
      turn
      0 says 50020001 70020001`,
    hears: ['CONNACK 00, SUBACK 000101, PUBLISH 0001610001, PUBACK 0005, PUBCOMP 0001'],
  },
  {
    found: 'a repeated PUBREC for what is done was good for one more message than the Receive Maximum',
    script: `
      0 says ${NARROW5} 8207 0001 00 0001 61 02
      0 says 3406 0001 61 0001 00 3406 0001 61 0002 00 3406 0001 61 0003 00
      turn
      0 says 50020001
      turn
      0 says 70020001
      turn
      0 says 50020001 50020001
      turn
      0 says c000`,
    hears: [
      [
        'CONNACK 00, SUBACK 00010002, PUBLISH 000161000100, PUBREC 0001, PUBREC 0002, PUBREC 0003',
        'PUBREL 0001, PUBLISH 000161000200, PUBREL 000192, PUBREL 000192, PINGRESP',
      ].join(', '),
    ],
  },
]

const malformed: KeptCase[] = [
  {
    found: 'a PUBLISH of QoS 3 was delivered',
    script: `
      0 says ${CONNECT5} 3606 0001 61 0001 00
      1 says ${OTHER4} 3605 0001 61 0001`,
    hears: ['CONNACK 00, DISCONNECT 81', 'CONNACK 00'],
  },
  {
    found: 'packet id 0 was taken',
    script: `
      0 says ${CONNECT5} 3206 0001 61 0000 00
      1 says ${OTHER5} 8207 0000 00 0001 61 00
      2 says ${THIRD5} 3406 0001 61 0000 00`,
    hears: ['CONNACK 00, DISCONNECT 82', 'CONNACK 00, DISCONNECT 82', 'CONNACK 00, DISCONNECT 82'],
  },
  {
    found: 'a topic name with U+0000, a surrogate or an overlong character was passed on',
    script: `
      0 says ${CONNECT5} 3005 0002 6100 00
      1 says ${OTHER4} 3005 0003 eda080
      2 says ${THIRD4} 3004 0002 c080`,
    hears: ['CONNACK 00, DISCONNECT 81', 'CONNACK 00', 'CONNACK 00'],
  },
  {
    found: 'a topic alias of 0, above the maximum, or never set stood for a topic',
    script: `
      0 says ${CONNECT5} 3006 0000 03 230005
      1 says ${OTHER5} 3006 0000 03 230001
      2 says ${THIRD5} 3007 0001 61 03 230000`,
    hears: ['CONNACK 00, DISCONNECT 94', 'CONNACK 00, DISCONNECT 82', 'CONNACK 00, DISCONNECT 94'],
  },
  {
    found: 'SUBSCRIBE and UNSUBSCRIBE without a filter, or with QoS 3, were answered',
    script: `
      0 says ${CONNECT4} 82020001
      1 says ${OTHER5} a203 0001 00
      2 says ${THIRD5} 8207 0001 00 0001 61 03`,
    hears: ['CONNACK 00', 'CONNACK 00, DISCONNECT 82', 'CONNACK 00, DISCONNECT 82'],
  },
  {
    found: 'No Local on a shared subscription was refused after it was subscribed',
    script: `
      0 says ${CONNECT5} 8210 0001 00 000a 2473686172652f672f61 05
      1 says ${OTHER4} 3003 0001 61 c000`,
    hears: ['CONNACK 00, DISCONNECT 82', 'CONNACK 00, PINGRESP'],
  },
]

const bounds: KeptCase[] = [
  {
    found: 'a SUBSCRIBE above controlBytesMax was decoded, and its long filter kept',
    script: `
      0 says ${CONNECT5} 829027 0001 00 1388 61*5000 00 0000
      1 says ${OTHER4} 828d27 0001 1388 61*5000 00`,
    hears: ['CONNACK 00, DISCONNECT 97', 'CONNACK 00'],
  },
  {
    found: 'a length of 256 MB was waited for when it was known to be too much',
    script: `
      0 says ${CONNECT4} 30ffffff7f 00*100
      1 says ${OTHER5} 30ffffff7f`,
    hears: ['CONNACK 00', 'CONNACK 00, DISCONNECT 95'],
  },
  {
    found: 'a half-closed connection kept what its client did not read for as long as the client liked',
    script: `
      0 says ${CONNECT4} 8206 0001 0001 61 00
      turn
      0 stalls
      1 says ${OTHER4} 30838004 0001 61 78*65536
      turn
      0 ends`,
    hears: ['CONNACK 00, SUBACK 000100', 'CONNACK 00'],
  },
  {
    found: 'a client that asks and does not read its answers was read from without end',
    script: `
      0 says ${CONNECT4}
      turn
      0 stalls
      0 says c000*9000
      turn
      0 says c000*9000
      turn
      0 says c000*9000
      turn
      0 resets`,
    hears: ['CONNACK 00'],
  },
  {
    found: 'the oldest message made room for the newest, however large that was: queueBytesMax did not hold',
    script: `
      0 says ${KEPT4} 8208 0001 0003 682f31 01
      turn
      0 cuts
      1 says ${OTHER4}
      ${'1 says 3207 0003 682f31 0001\n'.repeat(80)}
      ${`1 says 32878004 0003 682f31 0001 ${'78*65536'}\n      turn\n`.repeat(15)}`,
  },
  {
    found: 'retained messages were given for a subscription that was gone when their turn came',
    script: `
      0 says ${CONNECT4} 3104 0001 61 31 3104 0001 62 32
      0 says 820a 0001 0001 23 00 0001 61 00 a208 0002 0001 23 0001 61
      0 says 3103 0001 61 3004 0001 62 33
      turn
      0 says c000`,
    hears: [
      'CONNACK 00, SUBACK 00010000, PUBLISH 00016131, PUBLISH 00016232, PUBLISH 00016131, UNSUBACK 0002, PINGRESP',
    ],
  },
]

const comingAndGoing: KeptCase[] = [
  {
    found: 'a connection that was taken over before its CONNACK was let in afterwards',
    script: `
      hold
      0 says ${KEPT4} 8206 0001 0001 61 01
      1 says ${CONNECT4} c000
      2 says ${KEPT4} c000
      let go
      turn
      0 cuts
      1 cuts`,
  },
  {
    found: 'the memory of a kept session that a clean start had ended was not given back',
    script: `
      0 says ${KEPT4} 8206 0001 0001 61 01
      turn
      0 cuts
      1 says ${OTHER4} 3205 0001 61 0001
      turn
      hold
      0 says ${CONNECT4}
      turn
      0 cuts
      1 says 3205 0001 61 0002
      let go
      0 says ${KEPT4}`,
  },
  {
    found: 'a publisher that was held back was read from again although its connection had ended',
    script: `
      0 says ${CONNECT4} 8206 0001 0001 61 01
      turn
      full
      0 says 3205 0001 61 0001
      turn
      0 says 3205 0001 61 0002 c000
      0 ends
      room
      turn`,
    hears: ['CONNACK 00, SUBACK 000101, PUBLISH 0001610001, PUBACK 0001'],
  },
  {
    found: 'a message that was released was sent again after a restart, not its PUBREL',
    script: `
      0 says ${KEPT4} 8206 0001 0001 61 02
      turn
      1 says ${OTHER4} 3405 0001 61 0001 62020001
      turn
      0 says 50020001
      turn
      restart
      0 cuts
      0 says ${KEPT4}
      turn
      0 says 70020001`,
    hears: [
      'CONNACK 00, SUBACK 000102, PUBLISH 0001610001, PUBREL 0001',
      'CONNACK 00, PUBREC 0001, PUBCOMP 0001',
      'CONNACK 00, PUBREL 0001',
    ],
  },
]

export const KEPT_CASES: readonly KeptCase[] = [
  ...beforeConnect,
  ...outOfPlace,
  ...malformed,
  ...bounds,
  ...comingAndGoing,
]
