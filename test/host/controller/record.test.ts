import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { emptyRecord, RecordFile } from '../../../src/host/controller/record.ts'
import { temporary } from './fixture.ts'

const controller = { omadacId: 'abc', place: 'omada-data', mark: 'm1' }

test('what is remembered is there after a restart, for root alone', async () => {
  const path = join(temporary(), 'release.json')
  expect(await new RecordFile(path).read()).toEqual(emptyRecord)
  await new RecordFile(path).write({ ...emptyRecord, controller })
  expect(await new RecordFile(path).read()).toEqual({ version: 1, controller })
  expect(statSync(path).mode & 0o777).toBe(0o600)
})

test('what a newer version of this program has put in besides stays', async () => {
  const path = join(temporary(), 'release.json')
  writeFileSync(
    path,
    JSON.stringify({ version: 1, controller: { ...controller, database: 'x' }, previous: { image: 'y' } }),
  )
  const file = new RecordFile(path)
  await file.write({ ...(await file.read()), confirmedPlace: '/srv' })
  expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({
    controller: { database: 'x' },
    previous: { image: 'y' },
    confirmedPlace: '/srv',
  })
})

test.each([
  ['damaged', '{"version":'],
  ['of another version', '{"version":2}'],
  ['no record', '[]'],
])('a record that is %s is told, with its file', async (_, text) => {
  const path = join(temporary(), 'release.json')
  writeFileSync(path, text)
  await expect(new RecordFile(path).read()).rejects.toMatchObject({
    code: 'RECORD_UNUSABLE',
    message: expect.stringContaining(path),
  })
})

test('a record that cannot be written is told', async () => {
  const file = new RecordFile(join(temporary(), 'absent/release.json'))
  await expect(file.write(emptyRecord)).rejects.toMatchObject({ code: 'RECORD_UNUSABLE' })
})
