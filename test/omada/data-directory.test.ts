import { describe, expect, test } from 'vitest'
import {
  compareVersions,
  controllerVersion,
  judgeVersions,
  parseMark,
  storageEngineVersion,
} from '../../src/omada/data-directory.ts'

const v5 = 'docker.io/mbentley/omada-controller:5.15'
const v6 = 'docker.io/mbentley/omada-controller:6.2'
const code = (versions: object, reference: string, externalDatabase = false) =>
  judgeVersions(versions, { reference, imageChosen: true, place: 'omada-data', externalDatabase })?.code

describe('versions of data and image', () => {
  test.each<[string, object, string, string | undefined]>([
    ['nothing is known', {}, v6, undefined],
    [
      'a v5 database that tells no last version, under v6',
      { storageEngine: '3.1.0', image: '6.2.0.17' },
      v6,
      'CONTROLLER_OLD_DATABASE',
    ],
    ['the same by the tag alone', { storageEngine: '3.1.1' }, v6, 'CONTROLLER_OLD_DATABASE'],
    ['a database of an own MongoDB 5', { storageEngine: '10.0.2', image: '6.2.0.17' }, v6, 'CONTROLLER_OLD_DATABASE'],
    [
      'a v5 database whose last version says v6',
      { storageEngine: '3.1.0', lastRan: '6.2.0.17', image: '6.2.0.17' },
      v6,
      'CONTROLLER_OLD_DATABASE',
    ],
    ['a v6 database under v6', { storageEngine: '11.3.0', image: '6.2.0.17' }, v6, undefined],
    ['one of a MongoDB to come', { storageEngine: '12.0.0', image: '6.4.0.1' }, v6, undefined],
    [
      'a v6 database that tells no last version, under v5',
      { storageEngine: '11.3.0', image: '5.15.24.19' },
      v5,
      'CONTROLLER_DOWNGRADE',
    ],
    ['a v5 database under v5', { storageEngine: '3.1.0', image: '5.15.24.19' }, v5, undefined],
    ['a newer controller was last', { lastRan: '6.10.0.1', image: '6.9.0.1' }, v6, 'CONTROLLER_DOWNGRADE'],
    ['the same one was last', { lastRan: '6.2.0.17', image: '6.2.0.17' }, v6, undefined],
    ['an image by digest that does not say', { storageEngine: '3.1.0' }, `a/b@sha256:${'0'.repeat(64)}`, undefined],
  ])('%s', (_, versions, reference, expected) => {
    expect(code(versions, reference)).toBe(expected)
  })

  test('the files of a database that is not used say nothing', () => {
    expect(code({ storageEngine: '3.1.0', image: '6.2.0.17' }, v6, true)).toBeUndefined()
  })

  test('what no image can upgrade is restored from a backup', () => {
    const fault = judgeVersions(
      { storageEngine: '10.0.2' },
      { reference: v6, imageChosen: true, place: 'x', externalDatabase: false },
    )
    expect(fault?.remedy).toContain('.cfg')
  })
})

test('texts are read for what they are, or not at all', () => {
  expect(storageEngineVersion('WiredTiger version string\nWiredTiger 11.3.0: (June 1, 2024)\n')).toBe('11.3.0')
  expect(storageEngineVersion('WiredTiger')).toBeUndefined()
  expect(controllerVersion('6.2.0.17\n')).toBe('6.2.0.17')
  expect(controllerVersion('6.2.0.17 or so')).toBeUndefined()
  expect(parseMark(`${'0a'.repeat(16)}\n`)).toBe('0a'.repeat(16))
  expect(parseMark('0a')).toBeUndefined()
})

test('versions are compared by numbers', () => {
  expect(compareVersions('6.2', '6.10')).toBeLessThan(0)
  expect(compareVersions('6.2.1', '6.2')).toBeGreaterThan(0)
  expect(compareVersions('6.2.0', '6.2.0')).toBe(0)
})

test.each([
  ['another minor version by default', '6.2.0.17', '6.3.0.45', false, 'CONTROLLER_UPGRADE'],
  ['another minor version that the user chose', '6.2.0.17', '6.3.0.45', true, undefined],
  ['a newer build by default', '6.2.0.17', '6.2.10.17', false, undefined],
  ['the same by default', '6.3.0.45', '6.3.0.45', false, undefined],
  ['an older one by default', '6.3.0.45', '6.2.0.17', false, 'CONTROLLER_DOWNGRADE'],
  ['data that do not tell', undefined, '6.3.0.45', false, undefined],
])('%s', (_, lastRan, image, imageChosen, code) => {
  const reference = 'docker.io/mbentley/omada-controller:6.3'
  const fault = judgeVersions({ lastRan, image }, { reference, imageChosen, place: 'x', externalDatabase: false })
  expect(fault?.code).toBe(code)
  if (code === 'CONTROLLER_UPGRADE') {
    expect(fault?.remedy).toContain('set controller.image: docker.io/mbentley/omada-controller:6.2 to go on')
    expect(fault?.remedy).toContain('and set controller.image: docker.io/mbentley/omada-controller:6.3')
  }
})
