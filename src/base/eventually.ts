// A value that is there or will be: what is there is used at once, so that who answers at once waits for no turn of
// the event loop.

export type Eventual<Value> = Value | PromiseLike<Value>

export const isAwaited = <Value>(value: Eventual<Value>): value is PromiseLike<Value> =>
  typeof (value as Partial<PromiseLike<Value>> | null | undefined)?.then === 'function'

/** `next` of the value, now or when it is there. */
export function eventually<Value, Next>(
  value: Eventual<Value>,
  next: (value: Value) => Eventual<Next>,
): Eventual<Next> {
  return isAwaited(value) ? value.then(next) : next(value)
}
