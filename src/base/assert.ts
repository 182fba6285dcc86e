// What must hold inside godwit itself. A peer's mistake is a MqttError, never an assertion.
import nodeAssert from 'node:assert'

/** Throws an AssertionError with `sentence` when `condition` is false: a mistake in this program, never caught. */
export function assert(condition: unknown, sentence: string): asserts condition {
  if (!condition) nodeAssert.fail(sentence)
}
