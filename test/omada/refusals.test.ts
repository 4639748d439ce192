import { describe, expect, test } from 'vitest'
import { findRefusal, tellsOutOfMemory } from '../../src/omada/refusals.ts'

// The wordings are those of the image's entrypoint-unified.sh.
describe('a refusal of the entrypoint', () => {
  test.each([
    [
      'ERROR: The version from the image (6.1.0.19) is older than the last version executed (6.2.10.17)!  Refusing to start to prevent data loss!',
      'CONTROLLER_DOWNGRADE',
    ],
    [
      'ERROR: Your persistent data for MongoDB is using WiredTiger 2.9.1 (an older MongoDB) but this version of the image has MongoDB 8.0.4!',
      'CONTROLLER_OLD_DATABASE',
    ],
    [
      'ERROR: your system does not support AVX which is a requirement for the v6 and above container image as it only ships with MongoDB 8',
      'CPU_UNSUPPORTED',
    ],
    [
      'ERROR: your system does not support the armv8.2-a or later microarchitecture which is a requirement for the v6',
      'CPU_UNSUPPORTED',
    ],
    [
      'ERROR: You are attempting to upgrade from 4.x to 5.14.x or greater; the upgrade code was removed in 5.14.x!',
      'CONTROLLER_OLD_DATA',
    ],
    [
      'ERROR: The data volume mounted to /opt/tplink/EAPController/data appears to have data from a previous version!',
      'CONTROLLER_OLD_DATA',
    ],
    ["ERROR: Group (omada) has an unexpected GID; was expecting '508' but found '1000'!", 'CONTROLLER_REFUSED'],
  ])('%s', (line, code) => {
    const fault = findRefusal(['INFO: Time zone set to UTC', line, '  See https://…'])
    expect(fault?.code).toBe(code)
    expect(fault?.message).not.toContain(line.replace(/^ERROR: /, '').slice(0, 20))
    expect(fault?.remedy).not.toBe('')
  })

  test('names the versions of its line and nothing else of it', () => {
    const line = (last: string) =>
      `ERROR: The version from the image (6.1.0.19) is older than the last version executed (${last})! s3cret`
    expect(findRefusal([line('6.2.10.17')])?.message).toMatch(/this image \(it names 6\.1\.0\.19 and 6\.2\.10\.17\)$/)
    expect(findRefusal([line('6.2.s3cret')])?.message).toMatch(/this image \(it names 6\.1\.0\.19\)$/)
  })

  test('is found over an unknown error before it', () => {
    const lines = ['ERROR: something', 'ERROR: Your persistent data for MongoDB is using WiredTiger 2.9.1']
    expect(findRefusal(lines)?.code).toBe('CONTROLLER_OLD_DATABASE')
  })

  test('is not what java writes later', () => {
    expect(findRefusal(['INFO: Starting Omada Controller as user omada', 'ERROR: device offline'])).toBeUndefined()
    expect(findRefusal(['INFO: all well'])).toBeUndefined()
    expect(findRefusal([])).toBeUndefined()
  })
})

test('an exhausted heap is seen', () => {
  expect(tellsOutOfMemory(['x', 'java.lang.OutOfMemoryError: Java heap space'])).toBe(true)
  expect(tellsOutOfMemory(['-XX:+HeapDumpOnOutOfMemoryError'])).toBe(false)
})
