// godwit sub beside mosquitto_sub: the same messages in every letter of -F come out as the same bytes.
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { buildProgram, Program } from '../cli/program.ts'
import { hasMosquittoClients, MosquittoProgram } from '../integration/mosquitto-programs.ts'
import { serve } from '../integration/served-broker.ts'

beforeAll(buildProgram, 120_000)

const PROPERTIES = [
  ['payload-format-indicator', '1'],
  ['content-type', 'text/plain'],
  ['response-topic', 'answers/here'],
  ['correlation-data', 'one two'],
  ['user-property', 'colour', 'blue'],
  ['user-property', 'size', 'ä'],
].flatMap((each) => ['-D', 'publish', ...each])

const MESSAGES: readonly (readonly [string, readonly string[]])[] = [
  ['a message with everything', ['-m', '{"x":[1,"ü"]}', '-q', '1', ...PROPERTIES]],
  ['a message with nothing', ['-m', ' ', '-q', '0', '-D', 'publish', 'user-property', 'kept', 'yes']],
  ['a long one', ['-m', 'a'.repeat(300), '-q', '2']],
]

/** What does not depend on when it is printed. */
const FORMATS = [
  ...'%AClmpPqRrStxXDFE'.split('').map((letter) => `%${letter}`),
  '%10t|%-10t|%3t|%.2t|%5.1t|%-5.1t|',
  '%20p|%-20p|%3p|%.3p|%8x|%-8x|%8X|%3x|',
  '%5l|%05l|%-5l|%5q|%5r|%5m|%010m|',
  '%30C|%-30C|%.4C|%30R|%.4R|%30P|',
  '%%|100%%|\\t|\\n|\\\\|\\a\\e\\v\\r|plain',
  '@Y-@m-@d|@y|@B|@b|@A|@a|@j',
]

describe.skipIf(!hasMosquittoClients())('beside mosquitto_sub (package mosquitto-clients)', () => {
  /** The same retained message, printed by both. */
  async function bothPrint(message: readonly string[], flags: readonly string[]): Promise<[string, string]> {
    const port = await serve('memory')
    const publisher = new MosquittoProgram('mosquitto_pub', port, [
      '-V',
      '5',
      '-t',
      'a/topic',
      '-r',
      ...message,
    ])
    expect(await publisher.ended).toBe(0)
    const subscribe = ['-V', '5', '-t', 'a/+', '-q', '2', '-C', '1', '-W', '20', ...flags]
    const theirs = new MosquittoProgram('mosquitto_sub', port, subscribe)
    const ours = Program.start(['sub', '-h', '127.0.0.1', '-p', String(port), ...subscribe])
    onTestFinished(() => ours.kill('SIGKILL'))
    await theirs.line(/./)
    await theirs.ended
    const { stdout } = await ours.outcome
    return [stdout.join('\n'), theirs.lines.join('\n')]
  }

  const identified = ['-D', 'subscribe', 'subscription-identifier', '42']

  it.each(MESSAGES)('%s is the same in every letter', async (_, message) => {
    const [ours, theirs] = await bothPrint([...message], ['-F', FORMATS.join('\\n'), ...identified])
    expect(ours).toBe(theirs)
  })

  it.each(MESSAGES)('%s is the same in JSON', async (_, message) => {
    for (const format of message.includes('{"x":[1,"ü"]}') ? ['%j', '%J'] : ['%j']) {
      const [ours, theirs] = await bothPrint([...message], ['-F', format, ...identified])
      expect({ ...JSON.parse(ours), tst: '' }).toEqual({ ...JSON.parse(theirs), tst: '' })
      expect(JSON.parse(ours).tst).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z[+-]\d{4}$/)
    }
  })

  it('is the same without a format, and with -v', async () => {
    for (const flags of [[], ['-v'], ['-N'], ['-F', '%p', '--pretty']]) {
      const [ours, theirs] = await bothPrint(['-m', 'hello world'], flags)
      expect(ours).toBe(theirs)
    }
  })

  it('writes times in the same shape', async () => {
    const [ours, theirs] = await bothPrint(['-m', 'x'], ['-F', '%I %U @Y-@m-@dT@H:@M:@S.@N@z'])
    const shape = (text: string): string => text.replace(/\d/g, '0')
    expect(shape(ours)).toBe(shape(theirs))
  })
})
