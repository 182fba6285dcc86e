// What is known of a peer before it has said a word of MQTT: where it is, and what TLS has proved of it. Put together
// by the listeners of transport/; read by whoever decides (gate, authenticators, rules, limits) and by the log.

export interface PeerFacts {
  /** As logs and events show it: `192.0.2.1:50000`, `[2001:db8::1]:50000`, `unix`, `in-process`. */
  readonly address: string
  /**
   * The IP address alone, by which limits and rules count: behind a trusted proxy that of the client, not the proxy's.
   * Empty for a unix socket and for a stream from inside the process.
   */
  readonly host: string
  /** `name` of the listener that it came in by; `in-process` for a stream that was attached. */
  readonly listenerName: string
  /** The bytes of this connection are encrypted, as far as this broker sees. */
  readonly isTls: boolean
  /** Server Name Indication, in lower case; undefined: none was sent. */
  readonly serverName?: string | undefined
  /** The certificate that the peer has proved to own, verified against the listener's CA and CRL. */
  readonly certificate?: PeerCertificate | undefined
  /** The identity whose key it has proved to know (TLS-PSK). */
  readonly pskIdentity?: string | undefined
  /**
   * What the listener makes of one of these as a user name (`tls.userNameFrom`): proved, so no password is needed, and
   * it takes the place of the user name in CONNECT. Undefined: the listener takes none from TLS.
   */
  readonly userName?: string | undefined
}

export interface PeerCertificate {
  /** Of the subject; undefined where it has none, or several. */
  readonly commonName: string | undefined
  /** The whole subject as RFC 2253 writes it, most specific first: `CN=meter 7,OU=Field,O=Example`. */
  readonly subject: string
}
