// Retained values by topic name, found by topic filter. Filled by the router from PUBLISHes with RETAIN and from the
// store; read through retained-cursor.ts when somebody subscribes.
//
//   root       +-- site --+-- 12 --- temperature = value       as in the subscription trie, names that
//   dollar     +-- $SYS --- ...                                begin with $ have a root of their own
import { LevelTable, levelEnd, startsWithDollar } from './level.ts'
import { RetainedCursor } from './retained-cursor.ts'
import { RetainedNode } from './retained-node.ts'

/** Names and filters must be valid. */
export class RetainedTrie<T extends NonNullable<unknown>> {
  readonly #root = new RetainedNode<T>('', 0)
  readonly #dollar = new RetainedNode<T>('', 0)
  readonly #levels = new LevelTable()
  #size = 0
  #creations = 0

  /** Number of topic names that have a value. */
  get size(): number {
    return this.#size
  }

  /** False once the last value has gone: nothing of it is left behind. */
  get hasNodes(): boolean {
    return this.#root.childCount + this.#dollar.childCount > 0
  }

  get(topicName: string): T | undefined {
    return this.#find(topicName)?.value
  }

  /** The value it replaced. */
  set(topicName: string, value: T): T | undefined {
    const node = this.#make(topicName)
    const previous = node.value
    if (previous === undefined) this.#size++
    node.value = value
    return previous
  }

  /** The value it removed. */
  delete(topicName: string): T | undefined {
    const node = this.#find(topicName)
    const previous = node?.value
    if (node === undefined || previous === undefined) return undefined
    this.#size--
    node.value = undefined
    if (node.childCount === 0) this.#prune(topicName)
    return previous
  }

  /** Over the values that are there now and whose topic name matches; what it may miss or add: retained-cursor.ts. */
  cursor(topicFilter: string): RetainedCursor<T> {
    return new RetainedCursor(this.#rootOf(topicFilter), topicFilter, this.#creations)
  }

  /** Over all values that are there now, one cursor after the other. */
  cursors(): RetainedCursor<T>[] {
    return [this.#root, this.#dollar].map((root) => new RetainedCursor(root, '#', this.#creations))
  }

  #find(topicName: string): RetainedNode<T> | undefined {
    let node: RetainedNode<T> | undefined = this.#rootOf(topicName)
    for (let start = 0; start <= topicName.length && node !== undefined; ) {
      const end = levelEnd(topicName, start)
      node = node.child(topicName.slice(start, end))
      start = end + 1
    }
    return node
  }

  #make(topicName: string): RetainedNode<T> {
    let node = this.#rootOf(topicName)
    for (let start = 0; start <= topicName.length; ) {
      const end = levelEnd(topicName, start)
      const level = topicName.slice(start, end)
      let child = node.child(level)
      if (child === undefined) {
        child = new RetainedNode<T>(this.#levels.keep(level), ++this.#creations)
        node.addChild(child)
      }
      node = child
      start = end + 1
    }
    return node
  }

  /** Cuts off the empty end of `topicName` below the last node that others need: one edge, whatever its length. */
  #prune(topicName: string): void {
    let node: RetainedNode<T> | undefined = this.#rootOf(topicName)
    let keeper = node
    let cut = ''
    for (let start = 0; start <= topicName.length && node !== undefined; ) {
      const end = levelEnd(topicName, start)
      const level = topicName.slice(start, end)
      if (start === 0 || node.value !== undefined || node.childCount > 1) {
        keeper = node
        cut = level
      }
      node = node.child(level)
      start = end + 1
    }
    keeper.removeChild(cut)
  }

  #rootOf(topic: string): RetainedNode<T> {
    return startsWithDollar(topic) ? this.#dollar : this.#root
  }
}
