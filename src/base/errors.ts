// What can go wrong in running a broker, each under a code that people can look up in docs/errors.md.
// Thrown by config/, server.ts, store/ and the library's face; the CLI prints the message and exits with 2.

export const errorCodes = {
  ERR_GODWIT_CONFIG_INVALID: 'An option is unknown, or its value is not one of those allowed.',
  ERR_GODWIT_CONFIG_UNREADABLE: 'A file of the configuration cannot be read.',
  ERR_GODWIT_CONFIG_UNWRITABLE: 'A file of the configuration cannot be written.',
  ERR_GODWIT_RELOAD_FAILED:
    'A file that was to be read anew is not taken; what was read before stays in force.',
  ERR_GODWIT_LISTEN_IN_USE: 'Another process listens on the address already.',
  ERR_GODWIT_LISTEN_DENIED: 'The operating system does not let this user listen on the address.',
  ERR_GODWIT_LISTEN_FAILED: 'The address cannot be listened on for another reason.',
  ERR_GODWIT_TLS_UNREADABLE: 'A file that TLS needs is missing, empty, or may not be read.',
  ERR_GODWIT_TLS_INVALID: 'A file that TLS needs, or an option of TLS, is not what it should be.',
  ERR_GODWIT_TLS_MISMATCH: 'A private key does not belong to its certificate.',
  ERR_GODWIT_STORE_LOCKED: 'Another process has the data folder open.',
  ERR_GODWIT_STORE_OPEN: 'The data folder cannot be opened or created.',
  ERR_GODWIT_STORE_FORMAT: 'The data folder was written in a format that this version does not know.',
  ERR_GODWIT_STORE_NOT_EMPTY: 'An import was to go into a data folder that holds data already.',
  ERR_GODWIT_STORE_DAMAGED: 'A command needs a data folder that is whole, and this one is not.',
  ERR_GODWIT_STORE_WRITE: 'A write to the data folder failed.',
  ERR_GODWIT_EXPORT_WRITE: 'An export could not be written.',
  ERR_GODWIT_IMPORT_INVALID: 'A file to be imported is not an export, or a line of it makes no sense.',
  ERR_GODWIT_AEDES_UNREADABLE: 'There is no database of Aedes to import from, or it cannot be opened.',
  ERR_GODWIT_BROKER_CLOSED: 'The broker has been closed.',
  ERR_GODWIT_PUBLISH_REFUSED: 'A message published from inside the process was not taken.',
  ERR_GODWIT_SUBSCRIBE_REFUSED: 'A topic filter given from inside the process was not taken.',
  ERR_GODWIT_TOOL_USAGE: 'What a client program was told to do makes no sense.',
  ERR_GODWIT_TOOL_FILE: 'A file that a client program was told to read cannot be read.',
  ERR_GODWIT_BENCH_FILE: 'A file that a load test reads or writes cannot be read or written.',
  ERR_GODWIT_BENCH_BROKER: 'A broker to compare is not named as it should be.',
} as const
export type ErrorCode = keyof typeof errorCodes

export class GodwitError extends Error {
  override readonly name = 'GodwitError'
  readonly code: ErrorCode

  /** `message` names the thing at hand: file, address, option. One line, unless it lists several. */
  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
