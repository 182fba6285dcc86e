// From flags to what MQTT.js connects with. Called by the commands before anything is sent.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { rootCertificates } from 'node:tls'
import type { IClientOptions, IClientPublishOptions } from 'mqtt'
import { GodwitError } from '../base/errors.ts'
import type { ClientFlags } from './client-flags.ts'
import { propertiesFor } from './packet-properties.ts'

export interface ClientSettings {
  readonly url: string
  readonly options: IClientOptions
  /** From the path of -L. */
  readonly topic: string | undefined
}

const NEVER = 0xffff_ffff

/** Throws ERR_GODWIT_TOOL_USAGE and ERR_GODWIT_TOOL_FILE. */
export function clientSettings(flags: ClientFlags, tool: string): ClientSettings {
  const given = flags.url === undefined ? undefined : parsedUrl(flags.url)
  const { version, keepalive: keepAlive } = flags
  const clean = flags.disableCleanSession !== true
  const properties = propertiesFor('connect', flags.property)
  const expiry = flags.sessionExpiryInterval ?? (clean ? undefined : NEVER)
  const userName = given?.username ? decodeURIComponent(given.username) : flags.username
  const password = given?.password ? decodeURIComponent(given.password) : flags.pw
  const options: IClientOptions = {
    protocolVersion: version,
    ...(version === 3 && { protocolId: 'MQIsdp' }),
    keepalive: keepAlive,
    clean,
    clientId: clientIdOf(flags, tool),
    reconnectPeriod: 0,
    connectTimeout: 30_000,
    resubscribe: false,
    ...(userName !== undefined && { username: userName }),
    ...(password !== undefined && { password }),
    ...(flags.bind !== undefined && { localAddress: flags.bind }),
    ...(version === 5 && {
      properties: { ...properties, ...(expiry !== undefined && { sessionExpiryInterval: expiry }) },
    }),
    ...willOf(flags),
    ...tlsOptions(flags),
  }
  if (flags.unix !== undefined)
    return { url: `unix://${flags.unix}`, options: { ...options, path: flags.unix }, topic: undefined }
  return { url: urlOf(flags, given), options, topic: topicOf(given) }
}

function parsedUrl(text: string): URL {
  try {
    const url = new URL(text)
    if (['mqtt:', 'mqtts:', 'ws:', 'wss:'].includes(url.protocol)) return url
  } catch {
    // Said below.
  }
  throw new GodwitError(
    'ERR_GODWIT_TOOL_USAGE',
    `'${text}' is not an address like mqtt://user:password@host:1883/topic`,
  )
}

const topicOf = (url: URL | undefined): string | undefined =>
  url === undefined || url.pathname.length < 2 ? undefined : decodeURIComponent(url.pathname.slice(1))

function urlOf(flags: ClientFlags, given: URL | undefined): string {
  const isTls = given === undefined ? usesTls(flags) : ['mqtts:', 'wss:'].includes(given.protocol)
  const isWebSocket = flags.ws === true || given?.protocol.startsWith('ws') === true
  const scheme = isWebSocket ? (isTls ? 'wss' : 'ws') : isTls ? 'mqtts' : 'mqtt'
  const host = given?.hostname ?? (flags.host.includes(':') ? `[${flags.host}]` : flags.host)
  const defaultPort = { mqtt: 1883, mqtts: 8883, ws: 8083, wss: 8084 }[scheme]
  const port = given?.port || flags.port || defaultPort
  return `${scheme}://${host}:${port}${isWebSocket ? flags.path : ''}`
}

const usesTls = ({ cafile, capath, cert, tlsUseOsCerts, tlsVersion, psk }: ClientFlags): boolean =>
  [cafile, capath, cert, tlsUseOsCerts, tlsVersion, psk].some((each) => each !== undefined)

function clientIdOf({ id, idPrefix, disableCleanSession }: ClientFlags, tool: string): string {
  if (id !== undefined) return id
  if (idPrefix !== undefined) return `${idPrefix}${process.pid}`
  if (disableCleanSession) {
    throw new GodwitError('ERR_GODWIT_TOOL_USAGE', 'a session that is kept (-c) needs a client id (-i)')
  }
  return `godwit-${tool}-${process.pid}-${Math.random().toString(36).slice(2, 8)}`
}

function willOf(flags: ClientFlags): Pick<IClientOptions, 'will'> {
  const { willTopic, willPayload, willQos, willRetain, property, version } = flags
  if (willTopic === undefined) {
    if (willPayload === undefined && willRetain === undefined) return {}
    throw new GodwitError('ERR_GODWIT_TOOL_USAGE', 'a will needs a topic (--will-topic)')
  }
  const properties =
    version === 5 ? (propertiesFor('will', property) as IClientPublishOptions['properties']) : undefined
  const will = {
    topic: willTopic,
    payload: Buffer.from(willPayload ?? ''),
    qos: willQos,
    retain: willRetain === true,
    ...(properties !== undefined && { properties }),
  }
  return { will } as Pick<IClientOptions, 'will'>
}

function tlsOptions(flags: ClientFlags): IClientOptions {
  const {
    cafile,
    capath,
    cert,
    key,
    insecure,
    ciphers,
    tlsVersion,
    tlsAlpn,
    tlsUseOsCerts,
    psk,
    pskIdentity,
  } = flags
  if (!usesTls(flags) && !flags.url?.match(/^(mqtts|wss):/)) return {}
  const ca = [
    ...(cafile === undefined ? [] : [fileText(cafile)]),
    ...(capath === undefined ? [] : readdirSync(capath).map((name) => fileText(join(capath, name)))),
    ...(tlsUseOsCerts ? rootCertificates : []),
  ]
  const version = tlsVersion?.replace('tlsv', 'TLSv') as 'TLSv1.2' | 'TLSv1.3' | undefined
  return {
    rejectUnauthorized: insecure !== true,
    ...(ca.length > 0 && { ca }),
    ...(cert !== undefined && { cert: fileText(cert) }),
    ...(key !== undefined && { key: fileText(key) }),
    ...(ciphers !== undefined && { ciphers }),
    ...(version !== undefined && { minVersion: version, maxVersion: version }),
    ...(tlsAlpn !== undefined && { ALPNProtocols: [tlsAlpn] }),
    ...(psk !== undefined && {
      pskCallback: () => ({ psk: Buffer.from(psk, 'hex'), identity: pskIdentity ?? '' }),
      ciphers: ciphers ?? 'PSK',
      maxVersion: 'TLSv1.2' as const,
      checkServerIdentity: () => undefined,
    }),
  }
}

export function fileBytes(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (cause) {
    throw new GodwitError('ERR_GODWIT_TOOL_FILE', `${path} cannot be read`, { cause })
  }
}

const fileText = (path: string): string => fileBytes(path).toString('utf8')
