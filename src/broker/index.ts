// The broker's public face, for index.ts and whatever is built on top of the broker.
export type { BrokerParts } from './assemble-core.ts'
export { Broker, type LocalSubscription } from './broker.ts'
export type { BrokerEvents, ClientConnected, ClientDisconnected, RightsLost } from './events.ts'
export type { MessageHandler, ReceivedMessage } from './local-subscriber.ts'
export type { PublishProperties, PublishRequest } from './publish-request.ts'
