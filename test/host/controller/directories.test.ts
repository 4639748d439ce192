import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { lookAtDirectory } from '../../../src/host/controller/directories.ts'
import { temporary } from './fixture.ts'

/** An empty directory with none beside it: another test's data in the machine's /tmp would be found as near, too. */
function alone(): string {
  const path = join(temporary(), 'srv')
  mkdirSync(path)
  return path
}

/** The data of a controller at `path`. */
function data(path: string, beside = 'keystore'): string {
  mkdirSync(join(path, 'db'), { recursive: true })
  mkdirSync(join(path, beside), { recursive: true })
  writeFileSync(join(path, 'db/WiredTiger.turtle'), 'WiredTiger 11.3.0')
  return path
}

test('a directory with a database is taken as it is', async () => {
  const srv = alone()
  data(join(srv, 'other'))
  data(join(srv, 'data'))
  writeFileSync(join(srv, 'data/.omada-host-id'), `${'ab'.repeat(16)}\n`)
  expect(await lookAtDirectory(join(srv, 'data'))).toEqual({ there: true, database: true, mark: 'ab'.repeat(16) })
})

test.each<[string, string, string]>([
  ['below', '.', 'data'],
  ['two below', '.', 'omada/data'],
  ['beside', 'new', 'old'],
  ['below one beside', 'new', 'old/data'],
  ['above: it is the database itself', 'data/db', 'data'],
])('a database is found %s', async (_, path, where) => {
  const srv = alone()
  const found = data(join(srv, where))
  mkdirSync(join(srv, path), { recursive: true })
  expect(await lookAtDirectory(join(srv, path))).toMatchObject({ there: true, database: false, elsewhere: found })
})

test("another program's MongoDB is not taken for a controller's", async () => {
  const srv = alone()
  data(join(srv, 'unifi'), 'sites')
  expect(await lookAtDirectory(srv)).toEqual({ there: true, database: false, mark: undefined, elsewhere: undefined })
})

test.each([
  ['/no/such/directory', false],
  ['/etc/passwd', false],
])('%s: there: %s', async (path, there) => {
  expect(await lookAtDirectory(path)).toEqual({ there })
})
