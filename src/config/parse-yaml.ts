import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type YAMLError,
} from 'yaml'
import { ApplianceError, type Fault } from '../core/errors.ts'
import { quote } from './key-faults.ts'

/** The largest configuration text that is parsed, in bytes. */
export const maxConfigBytes = 1_048_576
/** The configuration itself is three levels deep. */
const maxDepth = 16
/** Values after every alias has been followed, so that a few lines cannot stand for billions. */
const maxValues = 100_000
/** Each alias is looked up by walking the text. */
const maxAliases = 100

/** A YAML text as plain values. Paths are like `controller.image` and `proxy.ports[0]`. */
export interface ParsedYaml {
  readonly value: unknown
  /** By path, the line (from 1) on which a value's key stands, of a list's item the item itself. */
  readonly lines: ReadonlyMap<string, number>
  /** By path, the texts of numbers: YAML reads 0508 as 508, and 1.10 as 1.1. */
  readonly numbers: ReadonlyMap<string, string>
}

/**
 * Parses one YAML document. `where` names the text in messages: a file's path or a variable's name. What YAML allows but
 * a configuration never needs (duplicate keys, unknown tags, aliases to what encloses them) is refused, as is whatever
 * would take unreasonable time or memory.
 */
export function parseYaml(text: string, where: string): ParsedYaml | { readonly faults: readonly Fault[] } {
  if (Buffer.byteLength(text) > maxConfigBytes) return { faults: [tooLarge(where, Buffer.byteLength(text))] }
  const lineCounter = new LineCounter()
  // Duplicate keys are looked for below, because the parser's own search takes quadratic time.
  const document = parseDocument(text, { uniqueKeys: false, prettyErrors: false, lineCounter })
  const at = (offset: number) => {
    const { line, col } = lineCounter.linePos(offset)
    return `${where}, line ${line}, column ${col}`
  }
  const problems = [...document.errors, ...document.warnings]
  const deep = problems.find((problem) => problem.code === 'RESOURCE_EXHAUSTION')
  if (deep !== undefined) return { faults: [tooDeep(at(deep.pos[0]))] }
  if (problems.length > 0) {
    return { faults: problems.slice(0, 20).map((problem) => notYaml(`${at(problem.pos[0])}: ${wordsOf(problem)}`)) }
  }

  const faults: Fault[] = []
  const lines = new Map<string, number>()
  const numbers = new Map<string, string>()
  const enclosing: Node[] = []
  let values = 0
  let aliases = 0

  const read = (node: unknown, path: string): unknown => {
    if (isAlias(node)) {
      aliases += 1
      if (aliases > maxAliases) throw new ApplianceError(tooMany(where))
      return read(targetOf(node, document, enclosing, at(node.range?.[0] ?? 0)), path)
    }
    values += 1
    if (values > maxValues) throw new ApplianceError(tooMany(where))
    if (isScalar(node)) {
      if (typeof node.value === 'number' && node.source !== undefined) numbers.set(path, node.source)
      return node.value
    }
    if (!isMap(node) && !isSeq(node)) return null
    if (enclosing.length >= maxDepth) throw new ApplianceError(tooDeep(at(node.range?.[0] ?? 0)))
    enclosing.push(node)
    const value = isMap(node) ? readMap(node.items, path) : readList(node.items, path)
    enclosing.pop()
    return value
  }

  const readList = (items: readonly unknown[], path: string) =>
    items.map((item, index) => {
      const itemPath = `${path}[${index}]`
      if (isNode(item)) lines.set(itemPath, lineCounter.linePos(item.range?.[0] ?? 0).line)
      return read(item, itemPath)
    })

  const readMap = (items: readonly { key: unknown; value: unknown }[], path: string) => {
    const entries = new Map<string, unknown>()
    for (const { key, value } of items) {
      const offset = isScalar(key) ? (key.range?.[0] ?? 0) : 0
      if (!isScalar(key) || key.value === null || typeof key.value === 'object' || key.value === '__proto__') {
        faults.push(notYaml(`${at(offset)}: a key${path === '' ? '' : ` of ${path}`} is not a plain name`))
        continue
      }
      const name = String(key.value)
      if (entries.has(name)) faults.push(notYaml(`${at(offset)}: the key ${quote(name)} is there twice`))
      const childPath = path === '' ? name : `${path}.${name}`
      lines.set(childPath, lineCounter.linePos(offset).line)
      entries.set(name, read(value, childPath))
    }
    return Object.fromEntries(entries)
  }

  try {
    const value = read(document.contents, '')
    return faults.length > 0 ? { faults: faults.slice(0, 100) } : { value, lines, numbers }
  } catch (error) {
    if (error instanceof ApplianceError) return { faults: [error.fault] }
    throw error
  }
}

/** What an alias stands for. Throws a CONFIG_SYNTAX where that is nothing, or one of the values that enclose the alias. */
function targetOf(alias: Alias, document: Document, enclosing: readonly Node[], position: string): Node {
  const target = alias.resolve(document)
  if (target !== undefined && !enclosing.includes(target)) return target
  const problem = target === undefined ? 'stands for nothing before it' : 'stands inside itself'
  const written = 'a value that begins with * and is not in quotes is an alias, and this one'
  throw new ApplianceError(notYaml(`${position}: ${written} ${problem}`))
}

/** The mapping at `path` of a parsed text, its numbers in the form in which they are written. */
export function asWritten(value: unknown, path: string, { numbers }: Pick<ParsedYaml, 'numbers'>): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const prefix = path === '' ? '' : `${path}.`
  const entries = Object.entries(value).map(([name, inner]): [string, unknown] => [
    name,
    typeof inner === 'number' ? (numbers.get(`${prefix}${name}`) ?? inner) : inner,
  ])
  return Object.fromEntries(entries)
}

/** What is wrong, in the parser's words, but without what these quote of the text, which may be a part of a password. */
function wordsOf({ code, message }: YAMLError): string {
  switch (code) {
    case 'TAG_RESOLVE_FAILED':
      return 'a value that begins with ! and is not in quotes is a tag, and this one is not known'
    case 'BAD_DIRECTIVE':
      return 'a line that begins with % is a directive, and this one is not known'
    case 'BAD_DQ_ESCAPE':
      return 'between double quotes \\ begins an escape sequence, and this one is not known; single quotes take it as it is'
    default:
      return message.split(': ')[0] ?? message
  }
}

/** `bytes` is what is known of the text's size, at least the limit. */
export function tooLarge(where: string, bytes: number): Fault {
  return refusal(
    `${where} has ${bytes} bytes, more than the ${maxConfigBytes} that a configuration may have`,
    'name the right file with --config; a whole configuration takes a few kilobytes',
  )
}

function tooDeep(position: string): Fault {
  return refusal(
    `${position}: nested more than ${maxDepth} levels deep`,
    'write at most section, key and value: omada-host config schema shows the form',
  )
}

function tooMany(where: string): Fault {
  return refusal(
    `${where} has more than ${maxAliases} aliases, or more than ${maxValues} values once they are followed`,
    'write the values out instead of using anchors and aliases',
  )
}

function notYaml(message: string): Fault {
  return refusal(`not valid YAML: ${message}`, 'correct that line, then try: omada-host config check')
}

function refusal(message: string, remedy: string): Fault {
  return { code: 'CONFIG_SYNTAX', message, remedy }
}
