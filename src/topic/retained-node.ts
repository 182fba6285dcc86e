// One level of the retained trie. retained-trie.ts builds the nodes, retained-cursor.ts walks over them.
//
//   siblings    byLevel    "a" -> A, "c" -> C, "d" -> D
//               inOrder    A  B  C  D        in order of creation; B was removed and stays, dead, until the dead
//                                            are the majority: so an index is good from one compaction to the next
// A cursor that waits holds an index, never an iterator of the Map: through an iterator at rest V8 keeps every table
// that the Map has outgrown since, 44 bytes for each name that came and went, without end.
import { LevelNode, type Siblings } from './level-node.ts'

/** So few dead nodes are not worth a compaction. */
const DEAD_MIN = 8

export class RetainedNode<T> extends LevelNode<RetainedNode<T>, RetainedSiblings<T>> {
  /** Grows from node to node of a trie: tells a cursor what came after it. */
  readonly creation: number
  value: T | undefined = undefined

  constructor(level: string, creation: number) {
    super(level)
    this.creation = creation
  }

  /** A node without value and children belongs to no trie, nor does what it led to. */
  get isDead(): boolean {
    return this.value === undefined && this.childCount === 0
  }

  /** For a node cut off with the empty ones below it. */
  die(): void {
    this.value = undefined
    this.forgetChildren()
  }

  protected override makeSiblings(): RetainedSiblings<T> {
    return new RetainedSiblings()
  }
}

export class RetainedSiblings<T> implements Siblings<RetainedNode<T>> {
  readonly #byLevel = new Map<string, RetainedNode<T>>()
  /** With the dead among them. Entries keep their index while `compactions` stays the same. */
  inOrder: RetainedNode<T>[] = []
  compactions = 0

  get size(): number {
    return this.#byLevel.size
  }

  get(level: string): RetainedNode<T> | undefined {
    return this.#byLevel.get(level)
  }

  set(level: string, node: RetainedNode<T>): void {
    this.#byLevel.set(level, node)
    this.inOrder.push(node)
  }

  delete(level: string): boolean {
    const node = this.#byLevel.get(level)
    if (node === undefined) return false
    node.die()
    this.#byLevel.delete(level)
    if (this.inOrder.length > 2 * this.size + DEAD_MIN) this.#compact()
    return true
  }

  /** Index of the first child created after `creation`. */
  indexAfter(creation: number): number {
    let low = 0
    let high = this.inOrder.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.inOrder[middle]?.creation ?? 0) <= creation) low = middle + 1
      else high = middle
    }
    return low
  }

  #compact(): void {
    this.inOrder = this.inOrder.filter((node) => !node.isDead)
    this.compactions++
  }
}
