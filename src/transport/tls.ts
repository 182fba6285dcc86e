// TLS of one listener: handshakes begin in their turn, what they prove goes into PeerFacts, and what its files hold is
// swapped without dropping a connection. Between tcp.ts (or proxy-protocol.ts) and MQTT or WebSocket.
//
//   first bytes -> handshake-queue.ts -> handshake -> PeerFacts -> done
//
// It is a tls.Server that listens on nothing and is handed its sockets, which is how Node documents it.
import { constants, randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import { createServer, type SecureContextOptions, type Server, type TLSSocket } from 'node:tls'
import type { Logger } from 'pino'
import { GodwitError } from '../base/errors.ts'
import type { PeerFacts } from '../base/peer-facts.ts'
import type { ListenerConfig } from '../config/schema.ts'
import type { Caller } from './caller.ts'
import { CloseReason } from './close-reason.ts'
import { networkOf } from './doorman.ts'
import { FileWatch } from './file-watch.ts'
import type { HandshakeQueue } from './handshake-queue.ts'
import { certificateFacts, daysLeft, ServerNames } from './tls-certificates.ts'
import { readTlsFiles, type TlsConfig, type TlsFiles, tlsFileNames } from './tls-files.ts'

const TICKET_KEY_BYTES = 48
/** Who has waited longer for a handshake has given up, most likely. */
const QUEUE_MS_MAX = 30_000
const DAY_MS = 86_400_000
const WARN_DAYS = 30
/** Without a certificate no others can be agreed on. */
const PSK_CIPHERS = 'TLS_AES_128_GCM_SHA256:kECDHEPSK:kDHEPSK:kPSK:!eNULL:!3DES'

export interface TlsParts {
  readonly log: Logger
  readonly handshakes: HandshakeQueue
  readonly connectTimeoutMs: number
  readonly now: () => number
}

interface Handshake {
  readonly caller: Caller
  readonly done: (socket: TLSSocket) => void
}

export class TlsDoor {
  readonly #listener: ListenerConfig
  readonly #parts: TlsParts
  readonly #server: Server
  readonly #watch: FileWatch
  /** By the socket's own address and port: all that a TLSSocket shows of the socket that it is around. */
  readonly #underWay = new Map<string, Handshake>()
  /** Whose certificate was not good enough: its error follows, from a TLSSocket that has no address any more. */
  #justClosed: Handshake | undefined
  readonly #pskIdentities = new WeakMap<TLSSocket, string>()
  readonly #timers: NodeJS.Timeout[] = []
  #files: TlsFiles
  #names!: ServerNames

  /** Throws ERR_GODWIT_TLS_*. */
  constructor(listener: ListenerConfig, parts: TlsParts) {
    this.#listener = listener
    this.#parts = parts
    const { tls } = listener
    this.#watch = new FileWatch(tlsFileNames(tls))
    this.#files = readTlsFiles(tls)
    this.#server = createServer({
      ALPNProtocols: [listener.protocol === 'wss' ? 'http/1.1' : 'mqtt'],
      requestCert: tls.requireCertificate,
      // Here, not by us: OpenSSL must refuse before a ticket is given out that would do without the certificate.
      rejectUnauthorized: true,
      handshakeTimeout: parts.connectTimeoutMs,
      SNICallback: (serverName, callback) => callback(null, this.#names.contextFor(serverName)),
      ...this.#pskOptions(),
    })
    this.#server.on('secureConnection', (socket) => this.#secured(socket))
    this.#server.on('tlsClientError', (error, socket) => this.#failed(error, socket))
    this.#use(this.#files)
    this.#watch.start(tls.watchIntervalMs, () => this.reload())
    this.#every(tls.ticketSeconds * 1000, () => this.#changeTicketKeys())
    this.#every(DAY_MS, () => this.#tellOfExpiry())
  }

  /** Days until the first of its certificates is no longer valid; undefined: it has none. */
  get certificateDays(): number | undefined {
    const days = this.#files.certificates.map(({ leaf }) => daysLeft(leaf, this.#parts.now()))
    return days.length === 0 ? undefined : Math.min(...days)
  }

  /** Reads the files again. Those that are not as they should be change nothing. */
  reload(): void {
    const { log } = this.#parts
    const { name: listener } = this.#listener
    try {
      const files = readTlsFiles(this.#listener.tls)
      this.#use(files)
      log.info({ listener }, 'TLS files have changed, and are in use')
    } catch (error) {
      log.error(
        { err: error, listener },
        'TLS files have changed and cannot be used: the ones before stay in force',
      )
    }
  }

  close(): void {
    this.#watch.close()
    for (const timer of this.#timers) clearInterval(timer)
  }

  /** `done` gets the encrypted stream once `caller.peer` says what it proved. */
  take(caller: Caller, done: (socket: TLSSocket) => void): void {
    const { connectTimeoutMs, handshakes, now } = this.#parts
    const { socket } = caller
    handshakes.greet(() => {
      if (socket.destroyed) return
      caller.within(connectTimeoutMs)
      socket.once('readable', () => {
        caller.inTime()
        // What is there to be read may be its end.
        if (socket.readableLength === 0) return caller.turnAway(CloseReason.ClientClosed)
        const readyAt = now()
        const begin = (): void => {
          if (now() - readyAt <= QUEUE_MS_MAX) this.#begin({ caller, done })
          else caller.turnAway(CloseReason.TlsHandshake, 'waited too long')
        }
        handshakes.add(networkOf(caller.peer.host), {
          begin,
          get isGone() {
            return socket.destroyed
          },
        })
      })
    })
  }

  #begin(handshake: Handshake): void {
    const { socket } = handshake.caller
    const key = keyOf(socket)
    this.#underWay.set(key, handshake)
    socket.once('close', () => {
      if (this.#underWay.get(key) !== handshake) return
      this.#underWay.delete(key)
      this.#justClosed = handshake
    })
    this.#server.emit('connection', socket)
  }

  #secured(socket: TLSSocket): void {
    const handshake = this.#underWay.get(keyOf(socket))
    // A client that has gone in the meantime.
    if (handshake === undefined) return void socket.destroy()
    this.#underWay.delete(keyOf(socket))
    const { caller, done } = handshake
    caller.peer = { ...caller.peer, isTls: true, serverName: serverNameOf(socket), ...this.#proved(socket) }
    const { tls } = this.#listener
    const isProved = !tls.requireCertificate || (socket.authorized && caller.peer.certificate !== undefined)
    if (!isProved) return caller.turnAway(CloseReason.TlsHandshake, 'no certificate')
    if (tls.userNameFrom !== 'none' && !caller.peer.userName) {
      return caller.turnAway(CloseReason.TlsHandshake, 'the certificate has no common name, or several')
    }
    done(socket)
  }

  #proved(socket: TLSSocket): Pick<PeerFacts, 'certificate' | 'pskIdentity' | 'userName'> {
    const { requireCertificate, userNameFrom } = this.#listener.tls
    const certificate = requireCertificate ? certificateFacts(socket) : undefined
    const pskIdentity = this.#pskIdentities.get(socket)
    const userNames = {
      none: undefined,
      pskIdentity,
      commonName: certificate?.commonName,
      subject: certificate?.subject,
    }
    return { certificate, pskIdentity, userName: userNames[userNameFrom] }
  }

  #failed(error: Error & { reason?: string }, socket: TLSSocket): void {
    const handshake = this.#underWay.get(keyOf(socket)) ?? this.#justClosed
    const { authorizationError } = socket
    const why = authorizationError ? String(authorizationError) : (error.reason ?? error.message)
    if (handshake === undefined) socket.destroy()
    else handshake.caller.turnAway(CloseReason.TlsHandshake, why)
  }

  #use(files: TlsFiles): void {
    const { tls, name: listener } = this.#listener
    const { ca, crl } = files
    const shared: SecureContextOptions = {
      ...(ca !== undefined && { ca }),
      ...(crl !== undefined && { crl }),
      minVersion: tls.minVersion,
      ciphers: tls.ciphers || (files.pskKeys === undefined ? undefined : PSK_CIPHERS),
      ...resumption(tls),
    }
    try {
      const names = new ServerNames(files.certificates, shared)
      this.#server.setSecureContext(names.first)
      this.#names = names
    } catch (cause) {
      // What can still be wrong: a revocation list that is none, a chain that does not go with its key, the ciphers.
      const text = `the TLS of listener ${listener} cannot be set up: ${(cause as Error).message}`
      throw new GodwitError('ERR_GODWIT_TLS_INVALID', text, { cause })
    }
    this.#files = files
    // Tickets of before would let in whose certificate has been revoked since.
    this.#changeTicketKeys()
    this.#tellOfExpiry()
    for (const file of files.openToAll) {
      this.#parts.log.warn(
        { file, listener },
        `${file} holds a secret, and everybody on this machine may read it`,
      )
    }
  }

  #changeTicketKeys(): void {
    this.#server.setTicketKeys(randomBytes(TICKET_KEY_BYTES))
  }

  #tellOfExpiry(): void {
    const { log, now } = this.#parts
    for (const { file, leaf } of this.#files.certificates) {
      const days = daysLeft(leaf, now())
      const facts = { listener: this.#listener.name, file, days }
      if (days < 0) log.error(facts, `certificate ${file} has expired`)
      else if (days < WARN_DAYS) log.warn(facts, `certificate ${file} expires in ${days} days`)
      else log.info(facts, `certificate ${file} is good for ${days} days`)
    }
  }

  /** A key for whoever knows the identity's; who uses the key that we gave has proved the identity. */
  #pskOptions() {
    const { pskFile, pskHint } = this.#listener.tls
    if (pskFile === '') return {}
    const pskCallback = (socket: TLSSocket, identity: string): Buffer | null => {
      this.#pskIdentities.set(socket, identity)
      return this.#files.pskKeys?.get(identity) ?? null
    }
    return { pskCallback, ...(pskHint !== '' && { pskIdentityHint: pskHint }) }
  }

  #every(ms: number, work: () => void): void {
    if (ms > 0) this.#timers.push(setInterval(work, ms).unref())
  }
}

/** A resumed session says nothing of the identity that its key belonged to, so those are not resumed. */
function resumption({ ticketSeconds, pskFile }: TlsConfig): SecureContextOptions {
  if (ticketSeconds === 0 || pskFile !== '') return { secureOptions: constants.SSL_OP_NO_TICKET }
  return { sessionTimeout: ticketSeconds }
}

const keyOf = (socket: Socket): string => `${socket.remoteAddress} ${socket.remotePort}`

const serverNameOf = ({
  servername,
}: TLSSocket & { servername?: string | false | null }): string | undefined =>
  servername ? servername.toLowerCase() : undefined
