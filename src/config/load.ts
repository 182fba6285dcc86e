// The configuration of the program: defaults, file, environment, flags; the later wins.
import { readConfigFile } from './config-file.ts'
import { type Environment, readEnvironment } from './environment.ts'
import { unfoldListeners } from './listener-addresses.ts'
import { mergeTrees, type OptionTree, valueAt } from './merge.ts'
import { type OptionPath, pathText } from './option-tree.ts'
import { checkConfig, resolveConfig } from './resolve.ts'
import type { Config, ConfigInput } from './schema.ts'

export interface ConfigSources {
  /** A YAML file. */
  readonly file?: string | undefined
  /** As process.env: only variables that begin with GODWIT_ are looked at. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** From the command line. */
  readonly overrides?: ConfigInput | undefined
}

/** Throws ERR_GODWIT_CONFIG_UNREADABLE or ERR_GODWIT_CONFIG_INVALID. */
export function loadConfig(sources: ConfigSources): Config {
  return resolveConfig(readConfig(sources))
}

/** What was said, checked, without the defaults: tells what was not set from what was set to its default. */
export function readConfig({ file, env, overrides = {} }: ConfigSources): ConfigInput {
  const configFile = file === undefined ? undefined : readConfigFile(file)
  const environment = readEnvironment(env)
  const fileValues = unfoldListeners(configFile?.values ?? {})
  const values = [fileValues, environment.values, unfoldListeners(overrides)].reduce(mergeTrees)
  const originOf = (path: OptionPath): string | undefined => {
    if (isSetIn(overrides, path)) return 'command line'
    return variableOf(environment, path) ?? (configFile && `${file}:${configFile.lineOf(path)}`)
  }
  checkConfig(values, originOf, environment.problems)
  return values as ConfigInput
}

const isSetIn = (tree: OptionTree, path: OptionPath): boolean => valueAt(tree, path) !== undefined

const variableOf = ({ variables }: Environment, path: OptionPath): string | undefined =>
  variables.get(pathText(path))
