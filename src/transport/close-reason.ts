// A name for every close, for logs, events and counters.

export const CloseReason = {
  ClientDisconnected: 'client-disconnected',
  ClientClosed: 'client-closed',
  SocketError: 'socket-error',
  ProxyHeader: 'proxy-header-refused',
  TlsHandshake: 'tls-handshake-failed',
  WebSocket: 'websocket-refused',
  ConnectTimeout: 'connect-timeout',
  KeepAliveTimeout: 'keep-alive-timeout',
  NotConnect: 'first-packet-not-connect',
  Refused: 'connect-refused',
  AuthenticationFailed: 'authentication-failed',
  AdmissionExpired: 'admission-expired',
  AdmissionRevoked: 'admission-revoked',
  NotAuthorized: 'not-authorized',
  ProtocolViolation: 'protocol-violation',
  AnswerTooLarge: 'answer-too-large',
  QueueFull: 'queue-full',
  TooManyConnections: 'too-many-connections',
  TooManyOfAddress: 'too-many-connections-of-address',
  ConnectRate: 'connecting-too-fast',
  TakenOver: 'session-taken-over',
  ServerShutdown: 'server-shutdown',
  InternalError: 'internal-error',
} as const
export type CloseReason = (typeof CloseReason)[keyof typeof CloseReason]
