import { expect, test } from 'vitest'
import { findUser } from '../../src/linux/privileges.ts'

const passwd = `root:x:0:0:root:/root:/bin/bash
nobody:x:65534:65533:nobody:/nonexistent:/usr/sbin/nologin
omada-host-edge:x:998:997::/:/usr/sbin/nologin
`

test('the first of the names that is there', () => {
  expect(findUser(passwd, ['omada-host-edge', 'nobody'])).toEqual({ name: 'omada-host-edge', uid: 998, gid: 997 })
  expect(findUser(passwd, ['absent', 'nobody'])).toEqual({ name: 'nobody', uid: 65534, gid: 65533 })
})

test('none of them', () => {
  expect(findUser(passwd, ['absent'])).toBeUndefined()
  expect(findUser('', ['nobody'])).toBeUndefined()
})
