// Walks over the retained values that match a filter, a few at a time: a subscriber takes what it has room for, and
// a filter that skips a million nodes does not hold up everybody else.
//
//   filter   a / + / x         literal levels are looked up, wildcards take the children in order of creation
//   stack        ^ how far it is among the children of a, and which level of the filter they are to match
//   #node    the node to enter next; undefined: take one from the top of the stack
//
// The trie may change between two steps. A name that keeps its value is visited once, one that is deleted before its
// turn is not, and none twice: each node is entered once, and nodes made after the cursor are passed over. A name
// whose node was there but got its value later may be visited or not; its new value goes to live subscriptions anyway.
import type { RetainedNode, RetainedSiblings } from './retained-node.ts'

export class RetainedCursor<T extends NonNullable<unknown>> {
  readonly #levels: readonly string[]
  readonly #creationMax: number
  readonly #stack: Place<T>[] = []
  #node: RetainedNode<T> | undefined
  #depth = 0

  /** Made by RetainedTrie.cursor. */
  constructor(root: RetainedNode<T>, topicFilter: string, creationMax: number) {
    this.#node = root
    this.#levels = topicFilter.split('/')
    this.#creationMax = creationMax
  }

  /** Nothing is left; every further step returns undefined. */
  get isDone(): boolean {
    return this.#node === undefined && this.#stack.length === 0
  }

  /** The next value, after entering at most `nodesMax` nodes. Undefined: none so far if not `isDone`, else the end. */
  step(nodesMax: number): T | undefined {
    for (let entered = 0; entered < nodesMax; entered++) {
      const node = this.#node ?? this.#takeNode()
      if (node === undefined) return undefined
      this.#node = undefined
      if (node.creation > this.#creationMax) continue
      const value = this.#enter(node)
      if (value !== undefined) return value
    }
    return undefined
  }

  /** Sets what comes next; returns the node's value if the filter ends here. */
  #enter(node: RetainedNode<T>): T | undefined {
    const level = this.#levels[this.#depth]
    if (level === undefined) return node.value
    if (level === '#') {
      // "a/#" matches "a" as well. Below, every level stays under the "#".
      this.#descend(node, this.#depth)
      return node.value
    }
    if (level === '+') {
      this.#descend(node, this.#depth + 1)
    } else {
      this.#node = node.child(level)
      this.#depth++
    }
    return undefined
  }

  #descend(node: RetainedNode<T>, depth: number): void {
    const siblings = node.siblings
    if (siblings !== undefined) this.#stack.push(new Place(siblings, depth))
    this.#node = node.onlyChild
    this.#depth = depth
  }

  /** From the innermost place that has one; drops those that have none. */
  #takeNode(): RetainedNode<T> | undefined {
    for (let place = this.#stack.at(-1); place !== undefined; place = this.#stack.at(-1)) {
      const node = place.next()
      if (node !== undefined && node.creation <= this.#creationMax) {
        this.#depth = place.depth
        return node
      }
      this.#stack.pop()
    }
    return undefined
  }
}

/** How far the cursor is among the children of one node. */
class Place<T> {
  /** Which level of the filter the children are to match. */
  readonly depth: number
  readonly #siblings: RetainedSiblings<T>
  #index = 0
  #compactions: number
  #lastCreation = 0

  constructor(siblings: RetainedSiblings<T>, depth: number) {
    this.depth = depth
    this.#siblings = siblings
    this.#compactions = siblings.compactions
  }

  /** Dead ones too: they lead to nothing, and count as entered. */
  next(): RetainedNode<T> | undefined {
    const siblings = this.#siblings
    if (this.#compactions !== siblings.compactions) {
      this.#compactions = siblings.compactions
      this.#index = siblings.indexAfter(this.#lastCreation)
    }
    const node = siblings.inOrder[this.#index++]
    if (node !== undefined) this.#lastCreation = node.creation
    return node
  }
}
