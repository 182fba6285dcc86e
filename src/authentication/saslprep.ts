// User names and passwords in the one form in which they are compared (RFC 4013).
import { saslprep } from '@mongodb-js/saslprep'

/** As a client may send it; undefined: it cannot be prepared, or nothing is left of it. */
export const prepareQuery = (text: string): string | undefined => prepare(text, true)

/** As it is kept, where code points that Unicode 3.2 had not assigned are ruled out. */
export const prepareStored = (text: string): string | undefined => prepare(text, false)

function prepare(text: string, allowUnassigned: boolean): string | undefined {
  try {
    return saslprep(text, { allowUnassigned }) || undefined
  } catch {
    return undefined // What is prohibited throws, and so does what is mapped to nothing.
  }
}
