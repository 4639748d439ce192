import { expect, test } from 'vitest'
import { imageEnvironment } from '../../src/omada/environment.ts'

const environment = (options: Partial<Parameters<typeof imageEnvironment>[0]> = {}) =>
  imageEnvironment({
    timezone: 'Europe/Berlin',
    memory: { heapMegabytes: 1024, databaseCacheMegabytes: 768 },
    databaseUri: undefined,
    user: {},
    ...options,
  })

test('sets zone, memory and every port of the table', () => {
  expect(environment()).toEqual({
    JAVA_MAX_HEAP_SIZE: '1024m',
    MONGOD_EXTRA_ARGS: '--wiredTigerCacheSizeGB 0.75',
    TZ: 'Europe/Berlin',
    MANAGE_HTTP_PORT: '8088',
    MANAGE_HTTPS_PORT: '8043',
    PORTAL_HTTP_PORT: '8088',
    PORTAL_HTTPS_PORT: '8843',
    UPGRADE_HTTPS_PORT: '8043',
    UPGRADE_ES_HTTPS_PORT: '8044',
    PORT_APP_DISCOVERY: '27001',
    PORT_DISCOVERY: '29810',
    PORT_MANAGER_V1: '29811',
    PORT_ADOPT_V1: '29812',
    PORT_UPGRADE_V1: '29813',
    PORT_MANAGER_V2: '29814',
    PORT_TRANSFER_V2: '29815',
    PORT_RTTY: '29816',
    PORT_DEVICE_MONITOR: '29817',
  })
})

test('works around a kernel that makes the database crash, unless the user has a way of his own', () => {
  expect(environment()).not.toHaveProperty('GLIBC_TUNABLES')
  expect(environment({ crashingKernel: true }).GLIBC_TUNABLES).toBe('glibc.pthread.rseq=1')
  const own = { GLIBC_TUNABLES: 'glibc.malloc.check=1' }
  expect(environment({ crashingKernel: true, user: own }).GLIBC_TUNABLES).toBe('glibc.malloc.check=1')
})

test.each([
  [256, '0.25'],
  [1024, '1'],
  [832, '0.813'],
  [10_240, '10'],
])('%i MB of cache are %s GB for mongod', (databaseCacheMegabytes, gigabytes) => {
  expect(environment({ memory: { databaseCacheMegabytes } }).MONGOD_EXTRA_ARGS).toBe(
    `--wiredTigerCacheSizeGB ${gigabytes}`,
  )
})

test('an external database is named, and gets no cache', () => {
  const databaseUri = 'mongodb://u:p@db/omada'
  const set = environment({ databaseUri, memory: { heapMegabytes: 512 } })
  expect(set).toMatchObject({ MONGO_EXTERNAL: 'true', EAP_MONGOD_URI: databaseUri })
  expect(set).not.toHaveProperty('MONGOD_EXTRA_ARGS')
})

test("the user's variables are passed on and win over the memory plan", () => {
  expect(environment({ user: { SHOW_MONGODB_LOGS: 'true', JAVA_MAX_HEAP_SIZE: '2g' } })).toMatchObject({
    SHOW_MONGODB_LOGS: 'true',
    JAVA_MAX_HEAP_SIZE: '2g',
  })
  expect(environment({ user: { _JAVA_OPTIONS: '-Xmx2g' } })).not.toHaveProperty('JAVA_MAX_HEAP_SIZE')
})

test("the user's arguments for mongod are added, their cache size is taken instead", () => {
  expect(environment({ user: { MONGOD_EXTRA_ARGS: '--quiet' } }).MONGOD_EXTRA_ARGS).toBe(
    '--wiredTigerCacheSizeGB 0.75 --quiet',
  )
  expect(environment({ user: { MONGOD_EXTRA_ARGS: '--wiredTigerCacheSizeGB 2' } }).MONGOD_EXTRA_ARGS).toBe(
    '--wiredTigerCacheSizeGB 2',
  )
})

test('without a memory plan, memory is left to the image', () => {
  expect(Object.keys(environment({ memory: {} })).filter((name) => /JAVA|MONGO/.test(name))).toEqual([])
})
