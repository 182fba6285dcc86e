// Conversations with something wrong, by the thousand, from a fixed seed: bounded here, endless by `npm run fuzz`.
// After each case a witness is served and nothing is left; aftermath.ts says what that means.
import { type Packet, parser } from 'mqtt-packet'
import { expect, it, onTestFinished } from 'vitest'
import { runCase } from './aftermath.ts'
import { Arena } from './arena.ts'
import { describeFinding, runCases } from './fuzz-run.ts'
import { OBEY } from './methods.ts'
import { MUTATION_NAMES } from './mutations.ts'
import { mixSeeds, Random } from './random.ts'
import { recipeOf, scriptOf } from './recipe.ts'
import { formatScript, parseScript, type Saying, type Script } from './script.ts'
import { shrinkRecipe } from './shrink.ts'
import { STORIES, tellStory } from './stories.ts'

const SEED = 1

/** Of each kind of ground some: see groundOf. */
const RANGES = [
  ['over streams, in memory', 0, 1_500],
  ['over streams, in memory, later', 2_000, 3_500],
  ['over streams, on the disk', 1_500, 1_700],
  ['over sockets, in memory', 3_500, 3_700],
  ['over sockets, on the disk', 6_500, 6_600],
] as const

it.each(RANGES)(
  'whatever is wrong with conversations, others are served, and nothing is left: %s',
  {
    timeout: 600_000,
  },
  async (_, from, to) => {
    let cases = 0
    const goesOn = (): boolean => ++cases > 0
    const found = await runCases({ seed: SEED, from, to, goesOn })
    expect(found && describeFinding(SEED, found)).toBe(undefined)
    expect(cases).toBe(to - from)
  },
)

const stories = Array.from({ length: 400 }, (_, i) =>
  tellStory(new Random(mixSeeds(SEED, i)), STORIES[i % STORIES.length]),
)

it('the stories are right before something is wrong with them', async () => {
  const arena = await Arena.open({ store: 'memory', far: 'wire', version: 5 })
  onTestFinished(() => arena.close())
  const heard: Buffer[] = []
  for (const script of stories) {
    const { connections } = await runCase(arena, script)
    const text = formatScript(script)
    for (const [index, { packets }] of connections.entries()) {
      heard.push(...packets)
      // Who has to say who it is may be refused.
      if (MAY_BE_REFUSED.some((method) => text.includes(method))) continue
      const isBlind = ACKNOWLEDGES.test(text)
      const faults = packets.filter((packet) => isFault(packet) && !(isBlind && isMistake(packet)))
      expect(
        faults.map((packet) => packet.toString('hex')),
        `client ${index} of\n${text}`,
      ).toEqual([])
    }
  }
  expect(heard.length).toBeGreaterThan(3_000)
  // AUTH too: to go on, and that it is done.
  expect(new Set(heard.filter(isAuth).map((packet) => packet[2]))).toEqual(new Set([0x18, 0]))
})

/** By packet ids that the script has guessed: one may be in flight, and due another answer. */
const ACKNOWLEDGES = /says [457]00[2-9a-f]/
const isMistake = (packet: Buffer): boolean => packet[0] === 0xe0 && packet[2] === 0x82

const MAY_BE_REFUSED = [OBEY, 'SCRAM'].map((method) => Buffer.from(method).toString('hex'))
const isAuth = (packet: Buffer): boolean => packet[0] === 0xf0 && (packet[1] as number) < 0x80

/** A CONNACK that refuses, or a DISCONNECT for a mistake; that a client is taken over, or silent, is none. */
function isFault(packet: Buffer): boolean {
  const firstByte = packet[0] as number
  if (firstByte === 0x20) return packet[3] !== 0
  return firstByte === 0xe0 && packet[2] !== 0x8e && packet[2] !== 0x8d
}

it('the stories say every packet of a client, and every property that it may use', () => {
  const said = stories.flatMap((script) => script.filter((step) => step.kind === 'says'))
  const types = new Set(said.map(({ bytes }) => (bytes[0] as number) >>> 4))
  expect([...types].sort((a, b) => a - b)).toEqual([1, 3, 4, 5, 6, 7, 8, 10, 12, 14, 15])
  const properties = new Set(said.flatMap(propertiesOf))
  expect([...properties].sort()).toEqual(
    [
      'authenticationData',
      'authenticationMethod',
      'contentType',
      'correlationData',
      'maximumPacketSize',
      'messageExpiryInterval',
      'payloadFormatIndicator',
      'reasonString',
      'receiveMaximum',
      'requestProblemInformation',
      'requestResponseInformation',
      'responseTopic',
      'sessionExpiryInterval',
      'subscriptionIdentifier',
      'topicAlias',
      'topicAliasMaximum',
      'userProperties',
      'willDelayInterval',
    ].sort(),
  )
})

/** As mqtt-packet reads them; none where it can't: the versions before 5.0 have none. */
function propertiesOf({ bytes }: Saying): string[] {
  const names: string[] = []
  const decoder = parser({ protocolVersion: 5 })
  decoder.on('error', () => {})
  decoder.on('packet', (packet: Packet & { will?: { properties?: object }; properties?: object }) => {
    names.push(...Object.keys(packet.properties ?? {}), ...Object.keys(packet.will?.properties ?? {}))
  })
  decoder.parse(bytes)
  return names
}

it('every way to spoil them is used, alone and with others', () => {
  const alone = new Set<string>()
  const together = new Set<string>()
  for (let number = 0; number < 1_000; number++) {
    const { wrongs } = recipeOf(SEED, number)
    const [first] = wrongs
    if (wrongs.length === 1 && first !== undefined) alone.add(first.name)
    else for (const { name } of wrongs) together.add(name)
  }
  expect([...alone].sort()).toEqual([...MUTATION_NAMES].sort())
  expect([...together].sort()).toEqual([...MUTATION_NAMES].sort())
})

it('a case is the same from its seed and from its text', () => {
  for (let number = 0; number < 200; number++) {
    const text = formatScript(scriptOf(recipeOf(SEED, number)))
    expect(formatScript(scriptOf(recipeOf(SEED, number)))).toBe(text)
    expect(formatScript(parseScript(text))).toBe(text)
  }
})

it('what fails is made small: nothing is left of it that it does not take', async () => {
  // Stands for a broker that can't bear a subscription to # after a client has gone.
  const fails = async (script: Script): Promise<boolean> => {
    const steps = formatScript(script).split('\n')
    const start = steps.findIndex((step) => step.endsWith('cuts'))
    return start >= 0 && steps.slice(start).some((step) => /says [0-9a-f]*000123/.test(step))
  }
  for (let number = 0; number < 2_000; number++) {
    const recipe = recipeOf(SEED, number)
    if (!(await fails(scriptOf(recipe)))) continue
    const small = await shrinkRecipe(recipe, fails, { tries: 5_000, ms: 100_000 })
    expect(formatScript(small)).toMatch(/^\d cuts\n\d says 000123$/)
    return
  }
  throw new Error('no case is like that')
})
