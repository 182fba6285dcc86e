// The schema, its defaults, and the sources that fill it.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { GodwitError } from '../../src/base/errors.ts'
import { loadConfig, readConfig } from '../../src/config/load.ts'
import { type OptionPath, optionAt, optionPaths, pathText } from '../../src/config/option-tree.ts'
import { resolveConfig } from '../../src/config/resolve.ts'
import { isLoopback } from '../../src/config/resolve-listeners.ts'
import type { Config, ConfigInput } from '../../src/config/schema.ts'

const folder = mkdtempSync(join(tmpdir(), 'godwit-config-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Writes a file and loads it; errors name it as FILE. */
function load(yaml: string, env: Record<string, string> = {}, overrides: ConfigInput = {}): Config {
  const file = join(folder, 'godwit.yaml')
  writeFileSync(file, yaml)
  return loadConfig({ file, env, overrides })
}

function errorOf(action: () => unknown): GodwitError {
  try {
    action()
  } catch (error) {
    if (error instanceof GodwitError) return error
    throw error
  }
  throw new Error('expected an error')
}

const linesOf = (action: () => unknown): string[] => {
  const { code, message } = errorOf(action)
  expect(code).toBe('ERR_GODWIT_CONFIG_INVALID')
  return message.replaceAll(join(folder, 'godwit.yaml'), 'FILE').split('\n')
}

test('without any source every option has its default', () => {
  const config = resolveConfig()
  expect(config).toEqual(loadConfig({ env: {} }))
  expect(config.listeners).toEqual([{ ...config.plainListener, name: 'mqtt-1883' }])
  expect(config.listeners[0]).toMatchObject({
    host: '127.0.0.1',
    port: 1883,
    protocol: 'mqtt',
    socketPath: '',
  })
  expect(config.persistence).toEqual({
    enabled: true,
    path: './data',
    sync: 'always',
    reserveBytes: 67_108_864,
    quarantineBytesMax: 1_073_741_824,
  })
  expect(config.allowAnonymous).toBe(true)
  const isInEmptyList = (path: OptionPath): boolean =>
    path.some((_, index) => isEmptyList(path.slice(0, index).reduce(at, config)))
  for (const path of optionPaths().filter((each) => !isInEmptyList(each))) {
    expect(path.reduce(at, config), pathText(path)).toBeDefined()
  }
})

const isEmptyList = (value: unknown): boolean => Array.isArray(value) && value.length === 0

const at = (value: unknown, step: string | number): unknown =>
  (value as Record<string | number, unknown> | undefined)?.[step]

test('every option and group says in a sentence what it is', () => {
  for (const path of optionPaths().filter((path) => typeof path.at(-1) === 'string')) {
    expect(optionAt(path), pathText(path)).toHaveProperty('description', expect.stringMatching(/^.{10,}\.$/))
  }
})

test('every number is bounded on both sides, and its default lies within', () => {
  const numbers = optionPaths()
    .map(optionAt)
    .filter((node) => node?.type === 'integer')
  expect(numbers.length).toBeGreaterThan(15)
  for (const node of numbers) {
    const { default: initial } = node as { default?: number }
    expect(initial).toBeGreaterThanOrEqual(node?.minimum as number)
    expect(initial).toBeLessThanOrEqual(node?.maximum as number)
    expect(node?.maximum).toBeLessThanOrEqual(Number.MAX_SAFE_INTEGER)
  }
})

test('a configuration cannot be changed', () => {
  const config = resolveConfig()
  for (const part of [
    config,
    config.listeners,
    config.listeners[0],
    config.limits,
    config.persistence,
    config.log,
  ]) {
    expect(Object.isFrozen(part)).toBe(true)
  }
})

test('anonymous clients are allowed by default only on loopback, and where nobody could prove more', () => {
  const withHosts = (...hosts: string[]) => resolveConfig({ listeners: hosts.map((host) => ({ host })) })
  expect(withHosts('127.0.0.1', '::1', 'localhost').allowAnonymous).toBe(true)
  expect(withHosts('127.0.0.1', '0.0.0.0').allowAnonymous).toBe(false)
  expect(resolveConfig({ listeners: [{ host: '::' }], allowAnonymous: true }).allowAnonymous).toBe(true)
  expect(resolveConfig({ allowAnonymous: false }).allowAnonymous).toBe(false)
  for (const authentication of [
    { passwordFile: 'users' },
    { scramFile: 'users' },
    { jwt: { secretFile: 'secret' } },
    { jwt: { keyFile: 'key' } },
    { jwt: { jwksUrl: 'https://id.example' } },
    { http: { url: 'https://id.example' } },
  ]) {
    expect(resolveConfig({ authentication }).allowAnonymous).toBe(false)
    expect(resolveConfig({ authentication, allowAnonymous: true }).allowAnonymous).toBe(true)
  }
})

test.each([
  ['127.0.0.1', true],
  ['127.255.1.2', true],
  ['::1', true],
  ['0:0:0:0:0:0:0:1', true],
  ['::ffff:127.0.0.1', true],
  ['LocalHost', true],
  ['0.0.0.0', false],
  ['::', false],
  ['192.168.1.1', false],
  ['126.0.0.1', false],
  ['localhost.example.com', false],
  ['127.0.0.1.example.com', false],
])('that %s is on loopback is %s', (host, expected) => {
  expect(isLoopback(host)).toBe(expected)
})

test('flags win over the environment, the environment over the file, the file over the defaults', () => {
  const yaml = 'limits: { queueWindow: 1, receiveMaximum: 1, inFlightMax: 1 }'
  const env = { GODWIT_LIMITS__QUEUE_WINDOW: '2', GODWIT_LIMITS__RECEIVE_MAXIMUM: '2' }
  const { limits } = load(yaml, env, { limits: { queueWindow: 3 } })
  expect(limits).toMatchObject({ queueWindow: 3, receiveMaximum: 2, inFlightMax: 1, topicLevelsMax: 201 })
})

test('a list is overlaid place by place', () => {
  const yaml = 'listeners:\n  - { host: 127.0.0.1, port: 1 }\n  - { host: localhost, port: 2 }\n'
  const config = load(yaml, { GODWIT_LISTENERS__1__PORT: '22' }, { listeners: [{ port: 11 }] })
  expect(config.listeners.map(({ host, port }) => ({ host, port }))).toEqual([
    { host: '127.0.0.1', port: 11 },
    { host: 'localhost', port: 22 },
  ])
})

test('a place that no source fills has the defaults', () => {
  const { listeners } = loadConfig({ env: { GODWIT_LISTENERS__1__PORT: '1884' } })
  expect(listeners.map(({ host, port }) => ({ host, port }))).toEqual([
    { host: '127.0.0.1', port: 1883 },
    { host: '127.0.0.1', port: 1884 },
  ])
})

test.each([
  'GODWIT_LIMITS__MAXIMUM_PACKET_SIZE',
  'GODWIT_LIMITS__MAXIMUMPACKETSIZE',
  'godwit_limits__maximumPacketSize',
])('the variable %s means limits.maximumPacketSize', (variable) => {
  expect(loadConfig({ env: { [variable]: '4096' } }).limits.maximumPacketSize).toBe(4096)
})

test('values of variables are YAML scalars, and what is none is taken as text', () => {
  const env = {
    GODWIT_PERSISTENCE__SYNC: 'no',
    GODWIT_PERSISTENCE__ENABLED: 'false',
    GODWIT_PERSISTENCE__PATH: 'a: [b',
  }
  expect(loadConfig({ env }).persistence).toMatchObject({ enabled: false, path: 'a: [b', sync: 'no' })
  expect(
    loadConfig({ env: { GODWIT_PERSISTENCE__PATH: '"12"', HOME: '/', GODWITX: '1' } }).persistence.path,
  ).toBe('12')
})

test('an empty file is a valid one', () => {
  expect(load('')).toEqual(resolveConfig())
  expect(load('# nothing yet\n')).toEqual(resolveConfig())
})

test('what was set is told from what is a default', () => {
  expect(readConfig({ env: {}, overrides: { log: { level: 'info' } } })).toEqual({ log: { level: 'info' } })
})

test('a wrong value is reported with file, line, option, what was found and what is allowed', () => {
  const yaml =
    '# limits\nlimits:\n  queueWindow: 5\n  receiveMaximum: 70000\npersistence:\n  sync: never\nlog:\n'
  expect(linesOf(() => load(yaml)).sort()).toEqual([
    'FILE:4: limits.receiveMaximum is 70000; it must be a whole number from 1 to 65535',
    'FILE:6: persistence.sync is "never"; it must be one of always, everysec, no',
    'FILE:7: log is empty; it must be a group of options (level, format)',
  ])
})

test.each([
  ['listeners: []', 'FILE:1: listeners is an empty list; it must be a list of at least one entry'],
  ['listeners: 1883', 'FILE:1: listeners is 1883; it must be a list of at least one entry'],
  [
    'listeners:\n- host: a\n- port: -1',
    'FILE:3: listeners[1].port is -1; it must be a whole number from 0 to 65535',
  ],
  ['listeners:\n- host: ""', 'FILE:2: listeners[0].host is ""; it must be a text that is not empty'],
  ['allowAnonymous: yes', 'FILE:1: allowAnonymous is "yes"; it must be true or false'],
  [
    'limits: {queueWindow: 1.5}',
    'FILE:1: limits.queueWindow is 1.5; it must be a whole number from 1 to 1000000',
  ],
  [
    'limits: {queueWindow: .nan}',
    'FILE:1: limits.queueWindow is NaN; it must be a whole number from 1 to 1000000',
  ],
  [
    'limits: {keepaliveMax: 1}',
    'FILE:1: there is no option limits.keepaliveMax; the nearest is limits.keepAliveMax',
  ],
  ['\nqueueWindow: 1', 'FILE:2: there is no option queueWindow; the nearest is limits.queueWindow'],
  ['\n\nlistener: []', 'FILE:3: there is no option listener; the nearest is listeners'],
  ['log:\n  constructor: 1', 'FILE:2: there is no option log.constructor; the nearest is log.format'],
  ['log:\n  __proto__: {level: debug}', 'FILE:2: there is no option log.__proto__; the nearest is log.level'],
  ['log: {level: info}\nlog: {level: info}', 'FILE:2: Map keys must be unique'],
  ['- a', 'FILE:1: options are written as name: value'],
  ['log: {level: *missing}', 'FILE: Unresolved alias (the anchor must be set before the alias): missing'],
])('%j is answered by one line', (yaml, line) => {
  expect(linesOf(() => load(yaml))).toEqual([line])
})

test('a wrong value from the environment is reported with its variable', () => {
  const env = {
    GODWIT_LISTENERS__0__PORT: 'mqtt',
    GODWIT_PERSISTENCE__PATH: '',
    GODWIT_LISTENERS__0__HOTS: 'x',
  }
  expect(linesOf(() => loadConfig({ env })).sort()).toEqual([
    'GODWIT_LISTENERS__0__HOTS: there is no such option; the nearest is GODWIT_LISTENERS__0__HOST',
    'GODWIT_LISTENERS__0__PORT: listeners[0].port is "mqtt"; it must be a whole number from 0 to 65535',
    'GODWIT_PERSISTENCE__PATH: persistence.path is ""; it must be a text that is not empty',
  ])
})

test.each([
  'GODWIT_',
  'GODWIT_LISTENERS__9999999__PORT',
  'GODWIT_LOG__LEVEL__0',
  'GODWIT___PROTO__',
  'GODWIT_CONSTRUCTOR',
])('the variable %s means no option', (variable) => {
  expect(linesOf(() => loadConfig({ env: { [variable]: '1' } }))).toEqual([
    expect.stringContaining(`${variable}: there is no such option; the nearest is GODWIT_`),
  ])
})

test('a wrong value from a flag is reported as such, also where the file has a right one', () => {
  expect(linesOf(() => load('listeners: [{ port: 1 }]', {}, { listeners: [{ port: 65_536 }] }))).toEqual([
    'command line: listeners[0].port is 65536; it must be a whole number from 0 to 65535',
  ])
})

test('a wrong value from a program is reported by its option', () => {
  const input = { limits: { queueWindow: 0 }, log: 1 } as unknown as ConfigInput
  expect(linesOf(() => resolveConfig(input)).sort()).toEqual([
    'limits.queueWindow is 0; it must be a whole number from 1 to 1000000',
    'log is 1; it must be a group of options (level, format)',
  ])
})

test('a file that cannot be read is named with the reason', () => {
  const missing = errorOf(() => loadConfig({ file: join(folder, 'missing.yaml'), env: {} }))
  expect(missing.code).toBe('ERR_GODWIT_CONFIG_UNREADABLE')
  expect(missing.message).toMatch(/missing\.yaml: there is no such file$/)
  expect(errorOf(() => loadConfig({ file: folder, env: {} })).message).toMatch(/: it is a folder$/)
})

test('a file that unfolds into more than memory holds is refused', () => {
  const bomb = ['a: &a [x,x,x,x,x,x,x,x,x]']
  for (const [from, to] of ['ab', 'bc', 'cd', 'de', 'ef', 'fg', 'gh']) {
    bomb.push(`${to}: &${to} [${Array(9).fill(`*${from}`).join(',')}]`)
  }
  expect(linesOf(() => load(bomb.join('\n')))).toEqual([
    expect.stringMatching(/^FILE: Excessive alias count/),
  ])
})
