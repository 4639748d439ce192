import { expect, test } from 'vitest'
import { judgePlace, missingDirectory, type PlaceFacts } from '../../../src/host/controller/data-place.ts'
import { type ApplianceRecord, emptyRecord } from '../../../src/host/controller/record.ts'

const known: ApplianceRecord = { ...emptyRecord, controller: { omadacId: 'abc', place: '/srv/omada', mark: 'm1' } }
const confirmed: ApplianceRecord = { ...emptyRecord, confirmedPlace: '/srv/omada' }
const empty: PlaceFacts = { place: '/srv/omada', database: false }

test.each<[string, ApplianceRecord, PlaceFacts, string | undefined]>([
  ['a first start on an empty place', emptyRecord, empty, undefined],
  ['a first start on a database', emptyRecord, { ...empty, database: true }, undefined],
  ['a first start beside a database', emptyRecord, { ...empty, elsewhere: '/srv/data' }, 'DATA_ELSEWHERE'],
  ['the same, confirmed', confirmed, { ...empty, elsewhere: '/srv/data' }, undefined],
  [
    'confirmed for another place',
    { ...confirmed, confirmedPlace: '/srv' },
    { ...empty, elsewhere: '/x' },
    'DATA_ELSEWHERE',
  ],
  ['the controller that was there', known, { ...empty, database: true, mark: 'm1' }, undefined],
  ['a disk that is not mounted', known, empty, 'DATA_CHANGED'],
  ['another disk', known, { ...empty, database: true, mark: 'm2' }, 'DATA_CHANGED'],
  ['another disk without our file', known, { ...empty, database: true }, 'DATA_CHANGED'],
  ['another place, empty', known, { ...empty, place: 'omada-data' }, 'DATA_CHANGED'],
  ['another place, to which it was moved', known, { place: '/mnt/omada', database: true, mark: 'm1' }, undefined],
  ['a restart before the database was made', known, { ...empty, mark: 'm1' }, undefined],
])('%s', (_, record, facts, code) => {
  expect(judgePlace(record, facts)?.code).toBe(code)
})

test('what is said names the controller, where it was, and where a database is', () => {
  expect(judgePlace(known, { ...empty, elsewhere: '/srv/omada/data' })).toMatchObject({
    message: expect.stringMatching(
      /\/srv\/omada has no database, but the controller abc was there: .*\/srv\/omada\/data/,
    ),
    remedy: expect.stringContaining('omada-host acknowledge DATA_CHANGED'),
  })
  expect(judgePlace(known, { place: 'omada-data', database: false })?.remedy).toContain(
    'set controller.dataVolume: /srv/omada',
  )
})

test('a directory that is not there says how to make it, or that its disk is missing', () => {
  expect(missingDirectory('controller.dataVolume', '/srv/omda', known).remedy).toContain('mkdir -p /srv/omda')
  expect(missingDirectory('controller.dataVolume', '/srv/omada', known)).toMatchObject({
    message: expect.stringContaining('controller abc was there'),
    remedy: expect.stringContaining('mount'),
  })
})
