// The error for a file of the configuration that cannot be read, in words.
import { GodwitError } from './errors.ts'

const reasons: ReadonlyMap<string | undefined, string> = new Map([
  ['ENOENT', 'there is no such file'],
  ['ENOTDIR', 'there is no such file'],
  ['EACCES', 'this user may not read it'],
  ['EISDIR', 'it is a folder'],
])

/** `what` is in the file, or the option that names it. */
export function unreadable(what: string, path: string, cause: NodeJS.ErrnoException): GodwitError {
  const text = `cannot read ${what} ${path}: ${reasons.get(cause.code) ?? cause.message}`
  return new GodwitError('ERR_GODWIT_CONFIG_UNREADABLE', text, { cause })
}
