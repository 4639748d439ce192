import { expect, test } from 'vitest'
import { parseObject, plainJson, plainLines, plainText, withoutCredentials } from '../../src/core/text.ts'

test.each([
  ['\u001b[1;31mred\u001b[0m', 'red'],
  ['a\u0000b\u0007c\u009b31md', 'abcd'],
  ['\u001b\u001b[2Jnested', 'nested'],
  ['tab\there', 'tab here'],
  ['two\r\n  lines', 'two lines'],
  ['\tat a.b.C  (C.java)', ' at a.b.C  (C.java)'],
  ['line\u2028and\u2029paragraph\u0085', 'line and paragraph'],
  ['bidi\u202etxt\u2066\u200b\ufeff', 'biditxt'],
  ['half a character \ud83d', 'half a character'],
  ['Wohnküche 💡', 'Wohnküche 💡'],
  ['trailing \n', 'trailing'],
])('%j is shown as %j', (text, expected) => {
  expect(plainText(text, 100)).toBe(expected)
})

test('it is as long as it may be, in characters, and a cut shows', () => {
  expect(plainText('x'.repeat(100), 100)).toBe('x'.repeat(100))
  expect(plainText('x'.repeat(101), 100)).toBe(`${'x'.repeat(99)}…`)
  expect(plainText('💡'.repeat(10), 10)).toBe('💡'.repeat(10))
  expect(plainText('💡'.repeat(11), 10)).toBe(`${'💡'.repeat(9)}…`)
  // More than is looked at, all of it nothing to be seen.
  expect(plainText(`a${'\u0000'.repeat(1000)}b`, 10)).toBe('a…')
  expect(plainText('x'.repeat(1_000_000))).toHaveLength(4000)
})

test('a long run of spaces costs no more than its length', () => {
  const begun = performance.now()
  plainText(`${' '.repeat(200_000)}x`.repeat(5), 1_000_000)
  expect(performance.now() - begun).toBeLessThan(5000)
})

test.each<[string, object | undefined]>([
  ['{"Tags": ["6.2"], "more": null}', { Tags: ['6.2'], more: null }],
  ['["6.2"]', undefined],
  ['null', undefined],
  ['"6.2"', undefined],
  ['{"Tags": [', undefined],
])('the object that a text is: %s', (text, expected) => {
  expect(parseObject(text)).toEqual(expected)
})

test('several lines stay several', () => {
  expect(plainLines('one\u001b[2J\n  two\u0000\n')).toBe('one\n  two\n')
})

test('JSON for a terminal is the same value, without anything that a terminal obeys or hides', () => {
  const value = { text: 'a\u001b[1m\u009b2J\u2028\u202e\u{e0041}é💡', list: [1, null] }
  const text = plainJson(value, 2)
  expect(JSON.parse(text)).toEqual(value)
  expect(text).toContain('é💡')
  expect(text).not.toMatch(/[^\P{Cc}\n]|[\p{Cf}\p{Zl}]/u)
})

test.each([
  ['mongodb://u:p@db/x', 'mongodb://…'],
  ['see MongoDB+srv://db/?password=p for more', 'see MongoDB+srv://…'],
  ['https://u:p/@s@registry/x', 'https://…@registry/x'],
  ['http://a/ and mongodb://u:p@b', 'http://a/ and mongodb://…'],
  ['https://registry/x', 'https://registry/x'],
  ['me@home', 'me@home'],
])('%s without credentials is %s', (text, expected) => {
  expect(withoutCredentials(text)).toBe(expected)
})
