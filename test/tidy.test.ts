// The house style, as far as a machine sees it: layers, circles, sizes, names, and docs/architecture.md.
// CONTRIBUTING.md and docs/glossary.md say why; a rule that is broken here names the file and the line.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join, posix } from 'node:path'
import { parseSync } from 'vite'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '..')

/**
 * Each folder or file of src/ in its row; imports point down, or stay within one entry.
 * Entries of one row do not know each other. What is not in the table may not be in src/.
 */
const layers = [
  ['cli.ts'],
  ['cli'],
  ['harness', 'tools'],
  ['index.ts'],
  ['server.ts'],
  ['config'],
  ['broker', 'aedes'],
  ['session'],
  ['transport', 'store', 'authentication', 'authorization'],
  ['packet', 'topic'],
  ['base'],
]
/** The exception: options are typed where they are defined, and whoever is handed some may name the type. */
const typesForAll = 'config/schema.ts'

/** The formatter holds code to 110; this is for what it leaves alone, the sentences of comments above all. */
const lineMax = 120
const fileLinesMax = 400
const functionLinesMax = 70

/** Parts of identifiers for which docs/glossary.md has a better word. */
const bannedWords = new Set(
  'mid lwt particle msg msgs grp ctx conn conns cb rap rh nl rc pid utils helpers misc'.split(' '),
)
/** Of these the ones that a library says to a layer. */
const foreignWords = new Map([['tools', new Set('mid rap rh pid'.split(' '))]])
/** Whole identifiers, in lower case, and the layers where they are the right word; '' for none. */
const bannedNames = new Map([
  // A stored body has an id of its own, and MQTT.js says it; what ties an acknowledgement to its packet is packetId.
  ['messageid', 'store tools'],
  // 3.1.1's words end at the codec: beyond it they are reasonCode and cleanStart.
  ['returncode', 'packet'],
  ['cleansession', 'packet'],
  ['groupname', ''],
  ['lastwill', ''],
])
const bannedFileNames = new Set(['utils', 'util', 'helpers', 'helper', 'common', 'misc', 'index'])
const barrelFiles = new Set(['src/index.ts', 'src/broker/index.ts'])

interface SyntaxNode {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly name?: unknown
}

interface Import {
  /** Relative to src/. */
  readonly target: string
  readonly isType: boolean
  readonly line: number
}

/** A source file, parsed once for all rules. */
class SourceFile {
  readonly path: string
  readonly text: string
  readonly lines: readonly string[]
  readonly nodes: readonly SyntaxNode[]
  readonly comments: readonly { readonly value: string; readonly start: number }[]

  constructor(path: string) {
    this.path = path
    this.text = readFileSync(join(root, path), 'utf8')
    this.lines = this.text.replace(/\n$/, '').split('\n')
    const { program, comments } = parseSync(path, this.text, { lang: 'ts' })
    this.comments = comments
    this.nodes = descendants(program)
  }

  get inSrc(): string {
    return posix.relative('src', this.path)
  }

  at(offset: number): string {
    return `${this.path}:${this.lineOf(offset)}`
  }

  lineOf(offset: number): number {
    return this.text.slice(0, offset).split('\n').length
  }

  ofType(...types: string[]): SyntaxNode[] {
    return this.nodes.filter(({ type }) => types.includes(type))
  }

  /** Of files of this package. An import of types alone is told from one that runs. */
  get imports(): Import[] {
    return this.ofType(
      'ImportDeclaration',
      'ExportNamedDeclaration',
      'ExportAllDeclaration',
      'ImportExpression',
    )
      .map(
        (node) =>
          node as SyntaxNode & { source?: { value?: unknown }; importKind?: string; exportKind?: string },
      )
      .filter(({ source }) => String(source?.value).startsWith('.'))
      .map(({ source, importKind, exportKind, start }) => ({
        target: posix.join(posix.dirname(this.inSrc), String(source?.value)),
        isType: importKind === 'type' || exportKind === 'type',
        line: this.lineOf(start),
      }))
  }
}

function descendants(value: unknown): SyntaxNode[] {
  if (typeof value !== 'object' || value === null) return []
  const below = Object.values(value).flatMap(descendants)
  return 'type' in value && 'start' in value ? [value as SyntaxNode, ...below] : below
}

function sourceFiles(folder: string): SourceFile[] {
  if (!existsSync(join(root, folder))) return []
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .sort()
    .map((path) => new SourceFile(posix.join(folder, path.replaceAll('\\', '/'))))
}

const src = sourceFiles('src')
const all = [...src, ...['test', 'bench', 'certs', 'examples'].flatMap(sourceFiles)]
const importsBySource = new Map(src.map((file) => [file.inSrc, file.imports]))

const layerOf = (path: string): string => path.split('/')[0] as string
const rowOf = (path: string): number => layers.findIndex((row) => row.includes(layerOf(path)))

/** Fails with one line for each breach. */
const expectNone = (breaches: string[]): void => expect(breaches).toEqual([])

test('everything in src/ has its place in the layers', () => {
  expect(src.length).toBeGreaterThan(20)
  expectNone(src.filter(({ inSrc }) => rowOf(inSrc) === -1).map(({ path }) => path))
})

test('imports point down, or stay within their folder', () => {
  const isAllowed = (from: string, { target, isType }: Import): boolean =>
    layerOf(target) === layerOf(from) || rowOf(target) > rowOf(from) || (isType && target === typesForAll)
  expectNone(
    src.flatMap(({ path, inSrc, imports }) =>
      imports
        .filter((each) => !isAllowed(inSrc, each))
        .map(({ target, line }) => `${path}:${line} -> ${target}`),
    ),
  )
})

test('what is imported exists', () => {
  expectNone(
    src.flatMap(({ path, imports }) =>
      imports
        .filter(({ target }) => !importsBySource.has(target))
        .map(({ target }) => `${path} -> ${target}`),
    ),
  )
})

test('no imports go round in a circle', () => {
  const done = new Set<string>()
  const circles: string[] = []
  const visit = (path: string, trail: string[]): void => {
    if (trail.includes(path)) circles.push([...trail.slice(trail.indexOf(path)), path].join(' -> '))
    if (done.has(path) || trail.includes(path)) return
    // An import of types is gone when the program runs: a handler may name what it is handed.
    const targets = (importsBySource.get(path) ?? []).filter(({ isType }) => !isType)
    for (const { target } of targets) visit(target, [...trail, path])
    done.add(path)
  }
  for (const { inSrc } of src) visit(inSrc, [])
  expectNone(circles)
})

test('every file of src/ is reached from the library or from the program', () => {
  const reached = new Set<string>()
  const reach = (path: string): void => {
    if (reached.has(path)) return
    reached.add(path)
    for (const { target } of importsBySource.get(path) ?? []) reach(target)
  }
  reach('index.ts')
  reach('cli.ts')
  expectNone(src.filter(({ inSrc }) => !reached.has(inSrc)).map(({ path }) => path))
})

test('every file opens with a comment that says what it is', () => {
  const opensWithComment = ({ lines }: SourceFile): boolean =>
    /^\/[/*]/.test((lines[0]?.startsWith('#!') ? lines[1] : lines[0]) ?? '')
  expectNone(all.filter((file) => !opensWithComment(file)).map(({ path }) => path))
})

test(`no file is longer than ${fileLinesMax} lines, except tables of fixtures`, () => {
  const isFixture = (path: string): boolean => /^test\/.*fixtures/.test(path)
  expectNone(
    all
      .filter(({ path, lines }) => lines.length > fileLinesMax && !isFixture(path))
      .map(({ path, lines }) => `${path}: ${lines.length} lines`),
  )
})

test(`no function of src/ is longer than ${functionLinesMax} lines`, () => {
  expectNone(
    src.flatMap((file) =>
      file
        .ofType('FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression')
        .filter(({ start, end }) => file.lineOf(end) - file.lineOf(start) + 1 > functionLinesMax)
        .map(({ start }) => file.at(start)),
    ),
  )
})

test(`no line is longer than ${lineMax} characters`, () => {
  expectNone(
    all.flatMap(({ path, lines }) =>
      lines.flatMap((line, index) =>
        line.length > lineMax ? [`${path}:${index + 1}: ${line.length} characters`] : [],
      ),
    ),
  )
})

test('files are named in kebab-case after what they hold, not after what is left over', () => {
  const isNamedWell = ({ path }: SourceFile): boolean => {
    const name = basename(path).replace(/(\.test)?\.ts$/, '')
    return /^[a-z0-9]+(-[a-z0-9]+)*$/.test(name) && (!bannedFileNames.has(name) || barrelFiles.has(path))
  }
  expectNone(all.filter((file) => !isNamedWell(file)).map(({ path }) => path))
})

test('names in src/ are the words of docs/glossary.md', () => {
  const isBanned = (name: string, layer: string): boolean => {
    const foreign = foreignWords.get(layer)
    const words = name.match(/[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+/g) ?? []
    return (
      words.some((word) => bannedWords.has(word.toLowerCase()) && !foreign?.has(word.toLowerCase())) ||
      !(bannedNames.get(name.toLowerCase()) ?? layer).split(' ').includes(layer)
    )
  }
  expectNone(
    src.flatMap((file) =>
      file
        .ofType('Identifier', 'PrivateIdentifier')
        .filter(({ name }) => isBanned(String(name), layerOf(file.inSrc)))
        .map(({ name, start }) => `${file.at(start)}: ${name}`),
    ),
  )
})

test.each([
  ['any', ['TSAnyKeyword']],
  ['enum', ['TSEnumDeclaration']],
  ['namespace', ['TSModuleDeclaration']],
  ['export default', ['ExportDefaultDeclaration']],
])('nothing is written with %s', (_, types) => {
  expectNone(all.flatMap((file) => file.ofType(...types).map(({ start }) => file.at(start))))
})

test('only src/cli/ writes to the console', () => {
  const isConsole = ({ name }: SyntaxNode): boolean => name === 'console'
  expectNone(
    src
      .filter(({ inSrc }) => layerOf(inSrc) !== 'cli')
      .flatMap((file) =>
        file
          .ofType('Identifier')
          .filter(isConsole)
          .map(({ start }) => file.at(start)),
      ),
  )
})

test('what is left to do has the number of its issue', () => {
  const isLoose = (line: string): boolean => /\b(TODO|FIXME|XXX)\b/.test(line) && !/#\d+/.test(line)
  expectNone(
    all.flatMap((file) =>
      file.comments.filter(({ value }) => value.split('\n').some(isLoose)).map(({ start }) => file.at(start)),
    ),
  )
})

test('docs/architecture.md has one row for each file of src/, and none for others', () => {
  const documentation = readFileSync(join(root, 'docs/architecture.md'), 'utf8')
  const documented = [...documentation.matchAll(/^\| `([^`]+\.ts)` \|.*\w.*\|$/gm)].map(([, path]) => path)
  expect(documented.sort()).toEqual(src.map(({ inSrc }) => inSrc).sort())
})
