import { expect, test } from 'vitest'
import { faultsOf, messagesOf } from './faults.ts'

/** Nine levels of nine: 9^9 values from a few lines. */
const bomb = Array.from({ length: 9 }, (_, level) => {
  const items = level === 0 ? Array(9).fill('x') : Array(9).fill(`*l${level - 1}`)
  return `l${level}: &l${level} [${items.join(', ')}]`
}).join('\n')

test.each([
  ['an alias bomb', bomb, 'more than 100 aliases, or more than 100000 values'],
  ['100 aliases of 2000 values', `a: &a [${'x,'.repeat(2000)}]\nb: [${'*a,'.repeat(90)}]`, 'more than 100000 values'],
  [
    'an alias to what encloses it',
    'a: &a [*a]',
    'line 1, column 8: a value that begins with * and is not in quotes is an alias, and this one stands inside itself',
  ],
  ['an alias to nothing', 'a: *b', 'is an alias, and this one stands for nothing before it'],
  ['100,000 open brackets', '['.repeat(100_000), 'nested more than 16 levels deep'],
  ['17 levels', `${'['.repeat(17)}${']'.repeat(17)}`, 'nested more than 16 levels deep'],
  ['a megabyte and one', '#'.repeat(1_048_577), '/c.yaml has 1048577 bytes, more than the 1048576'],
  ['an unclosed quote', 'log:\n  level: "info', 'line 2, column'],
  ['a tab', 'log:\n\tlevel: info', 'line 2, column 1'],
  ['an unknown tag', 'log: {level: !!js/function info}', 'is a tag, and this one is not known'],
  ['two documents', 'log: {}\n---\nlog: {}', 'multiple documents'],
  [
    'a key that is there twice',
    'log:\n  level: info\n  level: warn',
    'line 3, column 3: the key "level" is there twice',
  ],
  ['a list as a key', '? [a]\n: 1', 'a key is not a plain name'],
  ['__proto__', '__proto__: {polluted: 1}', 'a key is not a plain name'],
])('%s is refused', (_, text, expected) => {
  const faults = faultsOf(text)
  expect(faults.map(({ code }) => code)).toEqual(['CONFIG_SYNTAX'])
  expect(faults[0]?.message).toContain(expected)
})

test('names that JavaScript knows are names like any other', () => {
  expect(messagesOf('constructor: 1\ntoString: {}\ncontroller: {__proto: 1, valueOf: 2}')).toHaveLength(4)
  expect(({} as Record<string, unknown>).polluted).toBeUndefined()
})

test('90,000 unknown keys are not searched to the end', () => {
  const text = Array.from({ length: 90_000 }, (_, i) => `k${i}: 1`).join('\n')
  expect(faultsOf(text)).toHaveLength(100)
})

test('what is quoted of a long value is short and on one line', () => {
  const [message = ''] = messagesOf(`log: {level: "${'x\\n'.repeat(50_000)}"}`)
  expect(message.length).toBeLessThan(400)
  expect(message).not.toContain('\n')
})
