import { expect, test } from 'vitest'
import { findDatabaseDeath } from '../../src/omada/database-deaths.ts'

const dead = (code: number) => [
  '2026-09-01 10:00:00 mongod was shutdown, restarting it',
  `2026-09-01 10:00:00 Fail to start mongo DB server with exit code ${code}`,
]

test.each([
  [14, 'DATABASE_DAMAGED'],
  [62, 'CONTROLLER_OLD_DATABASE'],
  [100, 'DATABASE_FILES'],
  [132, 'CPU_UNSUPPORTED'],
  [134, 'DATABASE_ABORTED'],
  [139, 'DATABASE_CRASHED'],
  [48, 'DATABASE_ENDED'],
])('exit code %i is a reason of its own, with its own remedy', (exitCode, code) => {
  const fault = findDatabaseDeath(dead(exitCode))
  expect(fault).toMatchObject({ code, message: expect.stringContaining(`exit code ${exitCode}`) })
  const others = [14, 62, 100, 132, 134, 139, 48].filter((other) => other !== exitCode)
  expect(others.map((other) => findDatabaseDeath(dead(other))?.remedy)).not.toContain(fault?.remedy)
})

test('the last one counts, and none before a complete start', () => {
  expect(findDatabaseDeath([...dead(100), ...dead(139)])?.code).toBe('DATABASE_CRASHED')
  expect(findDatabaseDeath([...dead(139), 'Omada Controller started'])).toBeUndefined()
  expect(findDatabaseDeath(['Omada Controller started', ...dead(139)])?.code).toBe('DATABASE_CRASHED')
})

test('a log without one, or with what is no exit code, says nothing', () => {
  expect(findDatabaseDeath([])).toBeUndefined()
  expect(findDatabaseDeath(['mongod was shutdown, restarting it'])).toBeUndefined()
  expect(findDatabaseDeath(['Fail to start mongo DB server with exit code 13900'])).toBeUndefined()
  expect(findDatabaseDeath(dead(0))).toBeUndefined()
})

test('nothing of the log but the number is in what everybody sees', () => {
  const fault = findDatabaseDeath(['s3cret Fail to start mongo DB server with exit code 77 s3cret'])
  expect(JSON.stringify(fault)).not.toContain('s3cret')
})
