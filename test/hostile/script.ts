// What happens in one case, step by step: made by recipe.ts, played by player.ts, printed by a finding and held by
// kept-cases.ts as text, one step a line:
//
//   0 says 100c00044d51...   client 0 writes these bytes at once; it connects first if it has no connection. A person
//                            may put blanks between them, and write 61*5000 for many of one kind
//   0 ends                   it says that it will write no more, and goes on reading
//   0 cuts, 0 resets         its network is gone, without or with a reset
//   0 stalls, 0 reads        it takes nothing more, and does again
//   0 answers                from now on it acknowledges what it is sent, as it should
//   turn                     the event loop goes round: what was written is sent
//   pass 500                 time goes by, in milliseconds
//   hold, let go             the disk is slow: nobody hears of a commit, until it is let go
//   full, room               it is so slow that publishers are held back, until there is room
//   restart                  the broker closes, and another one opens over the same folder

export const DEEDS = ['ends', 'cuts', 'resets', 'stalls', 'reads', 'answers'] as const
export type Deed = (typeof DEEDS)[number]
export const EVENTS = ['turn', 'hold', 'let go', 'full', 'room', 'restart'] as const
export type Event = (typeof EVENTS)[number]

export type Step = Saying | Doing | Passing | Happening
export interface Saying {
  readonly kind: 'says'
  readonly client: number
  readonly bytes: Buffer
}
interface Doing {
  readonly kind: 'does'
  readonly client: number
  readonly deed: Deed
}
interface Passing {
  readonly kind: 'passes'
  readonly ms: number
}
interface Happening {
  readonly kind: 'happens'
  readonly event: Event
}
export type Script = readonly Step[]

export const says = (client: number, bytes: Buffer): Saying => ({ kind: 'says', client, bytes })
export const does = (client: number, deed: Deed): Step => ({ kind: 'does', client, deed })
export const passes = (ms: number): Step => ({ kind: 'passes', ms })
export const happens = (event: Event): Step => ({ kind: 'happens', event })

export function formatScript(script: Script): string {
  return script.map(formatStep).join('\n')
}

function formatStep(step: Step): string {
  switch (step.kind) {
    case 'says':
      return `${step.client} says ${step.bytes.toString('hex')}`
    case 'does':
      return `${step.client} ${step.deed}`
    case 'passes':
      return `pass ${step.ms}`
    case 'happens':
      return step.event
  }
}

/** Of what formatScript wrote, or a person: `#` begins a comment. */
export function parseScript(text: string): Script {
  return text
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim())
    .filter((line) => line !== '')
    .map(parseStep)
}

function parseStep(line: string): Step {
  const event = EVENTS.find((each) => each === line)
  if (event !== undefined) return happens(event)
  const [first = '', second = '', ...rest] = line.split(' ')
  if (first === 'pass') return passes(Number(second))
  const deed = DEEDS.find((each) => each === second)
  if (deed !== undefined) return does(Number(first), deed)
  if (second === 'says') return says(Number(first), Buffer.concat(rest.map(parseBytes)))
  throw new Error(`not a step of a script: ${line}`)
}

function parseBytes(word: string): Buffer {
  const [digits = '', times = '1'] = word.split('*')
  const bytes = Buffer.from(digits, 'hex')
  if (bytes.length * 2 !== digits.length) throw new Error(`not bytes in hex: ${word}`)
  return Buffer.concat(new Array<Buffer>(Number(times)).fill(bytes))
}
