import { expect, test } from 'vitest'
import { blameDisk } from '../../src/host/blame-disk.ts'

const database = { code: 'DATABASE_DOWN', message: 'MongoDB does not work', remedy: 'omada-host logs' } as const
const web = { code: 'WEB_DOWN', message: 'the web does not work', remedy: 'omada-host logs' } as const
const full = { code: 'DISK_FULL', message: 'the disk is full', remedy: 'free space' } as const
const conditions = [
  { name: 'database', status: 'failing', reason: database, since: '' },
  { name: 'web', status: 'failing', reason: web, since: '' },
] as const

test('a database that does not work on a full disk has the disk for its reason; nothing else has', () => {
  const blamed = { ...full, message: 'MongoDB does not work: the disk is full' }
  expect(blameDisk({ reason: database, conditions }, full)).toEqual({
    reason: blamed,
    conditions: [{ ...conditions[0], reason: blamed }, conditions[1]],
  })
  expect(blameDisk({ reason: web, conditions: [] }, full).reason).toBe(web)
})

test('with room on the disk nothing is changed', () => {
  const health = { reason: database, conditions }
  expect(blameDisk(health, undefined)).toBe(health)
})
