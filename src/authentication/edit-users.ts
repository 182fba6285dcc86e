// Changes to a file of users, line by line: comments and the other users stay as they are. For cli/passwd.ts.
import { isRemark, userOnLine } from './users.ts'

/** `hash` replaces what the user has of its kind, or comes last: a password and verifiers stand beside each other. */
export function withUser(text: string, name: string, hash: string): string {
  const line = `${name}:${hash}`
  let isReplaced = false
  const lines = linesOf(text).map((each) => {
    const user = userOnLine(each)
    if (user?.name !== name || kindOf(user.hash) !== kindOf(hash)) return each
    isReplaced = true
    return line
  })
  return textOf(isReplaced ? lines : [...lines, line])
}

/** Undefined: there is no such user. */
export function withoutUser(text: string, name: string): string | undefined {
  const lines = linesOf(text)
  const others = lines.filter((line) => userOnLine(line)?.name !== name)
  return others.length === lines.length ? undefined : textOf(others)
}

/** The hash of a password, and a call for each that is made. */
export type HashPassword = (password: string) => Promise<string>

/** Passwords in plain text become hashes; what is a hash already stays. Undefined: a line is neither, its number. */
export async function withHashes(
  text: string,
  hash: HashPassword,
): Promise<{ readonly text: string } | { readonly badLine: number }> {
  const lines = linesOf(text)
  const badLine = lines.findIndex((line) => !isRemark(line) && !/^[^:]+:./.test(line))
  if (badLine !== -1) return { badLine: badLine + 1 }
  const hashed: string[] = []
  for (const line of lines) {
    if (isRemark(line) || userOnLine(line) !== undefined) hashed.push(line)
    else {
      const end = line.indexOf(':')
      hashed.push(`${line.slice(0, end)}:${await hash(line.slice(end + 1))}`)
    }
  }
  return { text: textOf(hashed) }
}

const kindOf = (hash: string): string => /^SCRAM-SHA-\d+/.exec(hash)?.[0] ?? 'password'

const linesOf = (text: string): string[] => (text === '' ? [] : text.replace(/\r?\n$/, '').split(/\r?\n/))

const textOf = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('')
