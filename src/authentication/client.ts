// A client before and after its authentication: what it says of itself, and who it has proved to be. The former is
// put together by broker/handle-connect.ts for methods and authenticators, the latter by broker/admission.ts for the
// session, where whatever asks for rights finds it.
import type { PeerFacts } from '../base/peer-facts.ts'
import type { ProtocolVersion } from '../packet/protocol.ts'
import type { Rights } from '../topic/rights.ts'

/** What a client says of itself before anybody has looked into it, and what is known of its connection. */
export interface AuthenticatingClient {
  /** Empty: it leaves the choice to the broker. */
  readonly clientId: string
  readonly userName: string | undefined
  readonly password: Buffer | undefined
  readonly version: ProtocolVersion
  readonly peer: PeerFacts
}

/** Who it is. Never changed, only replaced: at the next CONNECT of its session, and when it authenticates anew. */
export interface Client {
  readonly clientId: string
  /** Who it has proved to be. Empty: it is anonymous, which no authenticator can make of a user. */
  readonly identity: string
  /** Of its connection, or its last one; undefined: there was none since the start. */
  readonly peer: PeerFacts | undefined
  /** Undefined: whoever admitted it said nothing about them. */
  readonly rights: Rights | undefined
}
