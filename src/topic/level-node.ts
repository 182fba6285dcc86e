// What the nodes of both tries have in common: a level and the nodes below it by level.
// subscription-node.ts and retained-node.ts build on it.
//
//   children: undefined     a leaf
//             Node          one child: most inner nodes of a trie of a million topics
//             Siblings      from the second child on, until the last one goes

/** Children by level. A Map is one. */
export interface Siblings<Node> {
  readonly size: number
  get(level: string): Node | undefined
  set(level: string, node: Node): unknown
  delete(level: string): boolean
}

export abstract class LevelNode<Node extends LevelNode<Node, Many>, Many extends Siblings<Node>> {
  readonly level: string
  #children: Node | Many | undefined = undefined

  constructor(level: string) {
    this.level = level
  }

  protected abstract makeSiblings(): Many

  get childCount(): number {
    const children = this.#children
    if (children === undefined) return 0
    return isNode(children) ? 1 : children.size
  }

  get onlyChild(): Node | undefined {
    const children = this.#children
    return children !== undefined && isNode(children) ? children : undefined
  }

  /** Undefined while there is no child, or one that is `onlyChild`. */
  get siblings(): Many | undefined {
    const children = this.#children
    return children !== undefined && !isNode(children) ? children : undefined
  }

  child(level: string): Node | undefined {
    const children = this.#children
    if (children === undefined) return undefined
    if (isNode(children)) return children.level === level ? children : undefined
    return children.get(level)
  }

  /** There must be no child of its level yet. */
  addChild(child: Node): void {
    const children = this.#children
    if (children === undefined) {
      this.#children = child
    } else if (isNode(children)) {
      const siblings = this.makeSiblings()
      siblings.set(children.level, children)
      siblings.set(child.level, child)
      this.#children = siblings
    } else {
      children.set(child.level, child)
    }
  }

  /** Siblings of one stay Siblings, so that a child that comes and goes does not rebuild them each time. */
  removeChild(level: string): void {
    const children = this.#children
    if (children === undefined) return
    if (isNode(children)) {
      if (children.level === level) this.#children = undefined
    } else {
      children.delete(level)
      if (children.size === 0) this.#children = undefined
    }
  }

  protected forgetChildren(): void {
    this.#children = undefined
  }
}

function isNode<Node extends LevelNode<Node, Many>, Many extends Siblings<Node>>(
  children: Node | Many,
): children is Node {
  return children instanceof LevelNode
}
