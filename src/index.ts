// The library: import { createBroker } from 'godwit'
export type { Admission, Authenticator, Refusal, Verdict } from './authentication/authenticator.ts'
export type { AuthenticatingClient, Client } from './authentication/client.ts'
export type {
  AuthenticationAnswer,
  AuthenticationMethod,
  AuthenticationStep,
} from './authentication/method.ts'
export { type ScramOptions, scramSha256, scramSha512 } from './authentication/scram.ts'
export { type ScramHash, type ScramVerifierOptions, scramVerifier } from './authentication/scram-verifier.ts'
export type {
  AskedClient,
  Opinion,
  PublishQuestion,
  ReceiveQuestion,
  SubscribeQuestion,
} from './authorization/authorizer.ts'
export { type Clock, systemClock, type Timer } from './base/clock.ts'
export { type ErrorCode, GodwitError } from './base/errors.ts'
export { ManualClock } from './base/manual-clock.ts'
export type {
  Broker,
  BrokerEvents,
  ClientConnected,
  ClientDisconnected,
  LocalSubscription,
  MessageHandler,
  PublishProperties,
  PublishRequest,
  ReceivedMessage,
  RightsLost,
} from './broker/index.ts'
export type { Config, ConfigInput, ListenerInput } from './config/schema.ts'
export type { Qos } from './packet/protocol.ts'
export { type BrokerOptions, createBroker } from './server.ts'
export type { Rights } from './topic/rights.ts'
export type { BoundAddress } from './transport/listener.ts'
export type { ListenAddress } from './transport/tcp.ts'
