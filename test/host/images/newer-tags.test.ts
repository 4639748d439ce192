import { expect, test } from 'vitest'
import { newerTags } from '../../../src/host/images/newer-tags.ts'

const all = [
  'latest',
  '5.15',
  '6.1.0.19',
  '6.2',
  '6.2.0.17',
  '6.2.10.17',
  '6.2.9.1',
  '6.2.14.11',
  '6.2.14.11-openj9',
  '6.3',
  '6.3-openj9',
  '6.3.0.1',
  '6.10',
  '7.0',
  'beta-6.2.99',
  '6.2.14.11-chromium',
]

test.each<[string, string[]]>([
  ['6.2.0.17', ['6.10', '6.3', '6.2.14.11', '6.2.10.17', '6.2.9.1']],
  ['6.2.0.17-openj9', ['6.3-openj9', '6.2.14.11-openj9']],
  ['6.2.14.11', ['6.10', '6.3']],
  ['6.2', ['6.10', '6.3']],
  ['6.3', ['6.10']],
  ['6.10', []],
  ['6', []],
  ['latest', []],
  ['__proto__', []],
])('newer than %s of the same major version and flavour', (tag, expected) => {
  expect(newerTags(tag, all)).toEqual(expected)
})

test('no more than ten are told', () => {
  expect(
    newerTags(
      '6.2.0',
      Array.from({ length: 100 }, (_, patch) => `6.2.${patch}`),
    ),
  ).toHaveLength(10)
})
