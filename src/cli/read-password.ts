// A password from whoever runs the program: asked for twice and not shown on a terminal, from standard input elsewhere.
import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { text } from 'node:stream/consumers'

/** Undefined: what was typed twice is not the same. */
export async function readPassword(): Promise<string | undefined> {
  const [first, second] = process.stdin.isTTY ? await askTwice() : linesOf(await text(process.stdin))
  // Scripts for mosquitto_passwd say it twice, others once.
  return second === undefined || second === '' || first === second ? (first ?? '') : undefined
}

const linesOf = (input: string): readonly string[] => input.split(/\r?\n/)

async function askTwice(): Promise<readonly string[]> {
  return [await ask('Password: '), await ask('Reenter password: ')]
}

function ask(prompt: string): Promise<string> {
  const muted = new Writable({ write: (_chunk, _encoding, done) => done() })
  const terminal = createInterface({ input: process.stdin, output: muted, terminal: true })
  process.stderr.write(prompt)
  return new Promise((resolve, reject) => {
    terminal.once('SIGINT', () => terminal.close())
    terminal.once('close', () => reject(new Error('no password was typed')))
    terminal.question('', (password) => {
      process.stderr.write('\n')
      resolve(password)
      terminal.close()
    })
  })
}
