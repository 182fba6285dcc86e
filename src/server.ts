// The composition root: configuration in, a running broker out. The only place that chooses a store.
import { type Logger, pino } from 'pino'
import type { Authenticator } from './authentication/authenticator.ts'
import { configuredAuthentication } from './authentication/configured.ts'
import type { AuthenticationMethod } from './authentication/method.ts'
import type { Authorizer } from './authorization/authorizer.ts'
import { configuredAuthorization } from './authorization/configured.ts'
import { type Clock, systemClock } from './base/clock.ts'
import { FileWatch } from './base/file-watch.ts'
import { Broker } from './broker/index.ts'
import { resolveConfig } from './config/resolve.ts'
import type { Config, ConfigInput } from './config/schema.ts'
import { LevelStore } from './store/level-store.ts'
import { MemoryStore } from './store/memory-store.ts'
import type { Store } from './store/store.ts'

export type { Broker } from './broker/index.ts'
export type { BoundAddress } from './transport/listener.ts'
export type { ListenAddress } from './transport/tcp.ts'

/** Everything of the configuration file, and what only a program can give. */
export type BrokerOptions = ConfigInput & {
  /** Default: silent. */
  readonly logger?: Logger
  /** Default: the system's. A ManualClock makes time stand still in tests. */
  readonly clock?: Clock
  /** What 5.0 clients may name as their authentication method, besides those of files of users and of tokens. */
  readonly authenticationMethods?: readonly AuthenticationMethod[]
  /**
   * Asked who a client is that names no such method, where `authentication.order` has `function`. With it anonymous
   * clients are let in only where `allowAnonymous` says so.
   */
  readonly authenticate?: Authenticator['authenticate']
  /**
   * Asked what neither the rules of `authorization.aclFile` nor a client's own rights nor `authorization.http`
   * decide.
   */
  readonly authorizePublish?: NonNullable<Authorizer['authorizePublish']>
  readonly authorizeSubscribe?: NonNullable<Authorizer['authorizeSubscribe']>
  readonly authorizeReceive?: NonNullable<Authorizer['authorizeReceive']>
}

/** Rejects with ERR_GODWIT_CONFIG_* or ERR_GODWIT_STORE_*. Nothing listens yet: see Broker.listen. */
export async function createBroker(options: BrokerOptions = {}): Promise<Broker> {
  const { logger: log = pino({ level: 'silent' }), clock = systemClock, ...rest } = options
  const { authenticationMethods = [], authenticate, ...functionsAndInput } = rest
  const { authorizePublish, authorizeSubscribe, authorizeReceive, ...input } = functionsAndInput
  const functions = { authorizePublish, authorizeSubscribe, authorizeReceive }
  const config = resolveConfig({ ...(authenticate !== undefined && { allowAnonymous: false }), ...input })
  const files = new FileWatch({ clock, log })
  const now = (): number => clock.now()
  try {
    const { methods, authenticators } = await configuredAuthentication({
      settings: config.authentication,
      files,
      now,
      authenticate,
    })
    const store = storeFor(config, clock)
    const authentication = { authenticationMethods: [...methods, ...authenticationMethods], authenticators }
    let broker: Broker | undefined
    const { rules, authorizers } = await configuredAuthorization({
      settings: config.authorization,
      files,
      now,
      functions,
      rulesChanged: (changed) => broker?.replaceRules(changed),
    })
    const authorization = { rules: rules?.value, authorizers }
    broker = await Broker.open({ config, store, clock, log, files, ...authentication, ...authorization })
    // They may have changed while the store was being opened.
    if (rules !== undefined && rules.value !== authorization.rules) broker.replaceRules(rules.value)
    return broker
  } catch (error) {
    await files.close()
    throw error
  }
}

function storeFor({ persistence }: Config, clock: Clock): Store {
  if (!persistence.enabled) return new MemoryStore()
  return new LevelStore({ ...persistence, clock })
}
