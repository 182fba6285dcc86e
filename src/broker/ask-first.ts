// A packet that has to wait until others have said what its client may do: nothing of it is done, nothing more is read
// from the client, and it comes once more. From the handlers of PUBLISH and SUBSCRIBE.
import { type Eventual, isAwaited } from '../base/eventually.ts'
import type { Link } from './link.ts'

/** False: the answer is there. `asking` must not reject. */
export function askFirst(link: Link, asking: Eventual<unknown>): boolean {
  if (!isAwaited(asking)) return false
  const { connection, core } = link
  connection.frames.again()
  link.holdBack()
  asking.then(() => {
    core.heldBack.delete(connection)
    connection.resume()
  })
  return true
}
