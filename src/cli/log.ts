// Where log lines go: standard output, as JSON for machines or coloured for people.
import { type Logger, pino } from 'pino'
import pretty from 'pino-pretty'
import type { Config } from '../config/schema.ts'

/** Written synchronously: the last line before an exit is there to be read. */
export function createLog({ level, format }: Config['log']): Logger {
  const isTerminal = process.stdout.isTTY === true
  const isPretty = format === 'pretty' || (format === 'auto' && isTerminal)
  if (!isPretty) return pino({ level }, pino.destination({ dest: 1, sync: true }))
  const options = {
    colorize: isTerminal,
    sync: true,
    singleLine: true,
    ignore: 'pid,hostname',
    translateTime: 'SYS:HH:MM:ss.l',
  }
  return pino({ level }, pretty(options))
}
