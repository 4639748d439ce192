import { expect, test } from 'vitest'
import { variableProblem } from '../../src/omada/variables.ts'

test.each([
  ['SHOW_SERVER_LOGS', 'True'],
  ['SHOW_MONGODB_LOGS', 'yes'],
  ['WEB_CONFIG_OVERRIDE', '1'],
  ['PUID', '0'],
  ['PUID', '0508'],
  ['PGID', 'omada'],
  ['PUSERNAME', 'o.*'],
  ['JAVA_MAX_HEAP_SIZE', '2048'],
  ['JAVA_MIN_HEAP_SIZE', '1 g'],
  ['MONGOD_EXTRA_ARGS', '--quiet; id'],
  ['MONGOD_EXTRA_ARGS', '--setParameter x=$HOME'],
  ['MONGOD_EXTRA_ARGS', '--quiet\nid'],
])('%s=%s is not what the image would take it for', (name, value) => {
  expect(variableProblem(name, value)).toBeDefined()
})

test.each([
  ['SHOW_SERVER_LOGS', 'false'],
  ['PUID', '1000'],
  ['PGROUP', 'omada'],
  ['JAVA_MAX_HEAP_SIZE', '2g'],
  ['MONGOD_EXTRA_ARGS', '--wiredTigerCacheSizeGB 0.5 --setParameter a=b,c'],
  ['SOMETHING_ELSE', '$x; (y)'],
])('%s=%s is', (name, value) => {
  expect(variableProblem(name, value)).toBeUndefined()
})
