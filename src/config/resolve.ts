// From what was said to what holds: checks the options and fills in the defaults, also those that depend
// on other options.
import { GodwitError } from '../base/errors.ts'
import { unfoldListeners } from './listener-addresses.ts'
import type { OptionTree } from './merge.ts'
import { type OriginOf, problemLines } from './problems.ts'
import { isLocal, resolveListeners } from './resolve-listeners.ts'
import { type Config, type ConfigInput, configSchema } from './schema.ts'

/** The configuration of a program that uses the library. Throws ERR_GODWIT_CONFIG_INVALID. */
export function resolveConfig(input: ConfigInput = {}): Config {
  const config = checkConfig(unfoldListeners(input), () => undefined)
  const isOpen = config.listeners.every(isLocal) && !asksWhoItIs(config)
  const allowAnonymous = config.allowAnonymous ?? isOpen
  return Object.freeze({ ...config, allowAnonymous, ...resolveListeners(config, allowAnonymous) })
}

/** Throws ERR_GODWIT_CONFIG_INVALID with a line for each mistake, after the lines of `problems`. */
export function checkConfig(values: OptionTree, originOf: OriginOf, problems: readonly string[] = []) {
  const result = configSchema.safeParse(values)
  const lines = [...problems, ...problemLines(result.error?.issues ?? [], values, originOf)]
  if (lines.length > 0 || !result.success)
    throw new GodwitError('ERR_GODWIT_CONFIG_INVALID', lines.join('\n'))
  return result.data
}

/** Who says how clients prove who they are does not mean those who prove nothing. */
const asksWhoItIs = ({
  authentication: { passwordFile, scramFile, jwt, http },
}: Pick<Config, 'authentication'>) =>
  [passwordFile, scramFile, jwt.secretFile, jwt.keyFile, jwt.jwksUrl, http.url].some((value) => value !== '')
