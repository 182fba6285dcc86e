// Trees of options laid over each other: groups by name, lists by place, values replaced.

/** A group, a list, or a value. Keys are whatever someone wrote, so groups are read by own keys only. */
export type OptionTree = unknown

const isGroup = (tree: OptionTree): tree is object =>
  typeof tree === 'object' && tree !== null && !Array.isArray(tree)

/** `over` wins. */
export function mergeTrees(base: OptionTree, over: OptionTree): OptionTree {
  if (over === undefined) return base
  if (Array.isArray(base) && Array.isArray(over)) {
    const length = Math.max(base.length, over.length)
    return Array.from({ length }, (_, index) => mergeTrees(base[index], over[index]))
  }
  if (!isGroup(base) || !isGroup(over)) return over
  const merged = new Map<string, OptionTree>(Object.entries(base))
  for (const [name, value] of Object.entries(over)) merged.set(name, mergeTrees(merged.get(name), value))
  return Object.fromEntries(merged)
}

/** A tree with one value in it. The places of a list before it are entries with nothing but their defaults. */
export function treeOf(path: readonly (string | number)[], value: OptionTree): OptionTree {
  return path.reduceRight<OptionTree>((tree, step) => {
    if (typeof step === 'string') return Object.fromEntries([[step, tree]])
    return Array.from({ length: step + 1 }, (_, index) => (index === step ? tree : {}))
  }, value)
}

/** What stands at `path`; undefined when nothing does. */
export function valueAt(tree: OptionTree, path: readonly PropertyKey[]): OptionTree {
  let value = tree
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined
    value = Reflect.get(value, step)
  }
  return value
}
