import { expect, test } from 'vitest'
import { configKeys } from '../../src/config/keys.ts'
import { formatConfig, shownKeys } from '../../src/config/show.ts'
import { load } from './faults.ts'

test('every key is shown with its value and where it comes from', () => {
  const text = formatConfig(load('log:\n  level: warn', { OMADA_HOST_STATUS_PORT: '9000' }))
  expect(text).toContain('  level: warn # /c.yaml:2\n')
  expect(text).toContain('  port: 9000 # environment OMADA_HOST_STATUS_PORT\n')
  expect(text).toContain('  image: docker.io/mbentley/omada-controller:6.3 # default\n')
  expect(text).toContain('  # timezone: not set\n')
  for (const { key } of configKeys) expect(text).toContain(`${key}:`)
})

test('what is shown is a configuration that gives the same values', () => {
  const shown = load(
    'access: {devices: [eth0, 10.0.0.0/8]}\ncontroller: {memory: {heapMegabytes: 512, databaseCacheMegabytes: 300}}',
  )
  expect(load(formatConfig(shown)).config).toEqual(shown.config)
})

test.each([
  ['mongodb://admin:hunter2@db:27017/omada', 'mongodb://(redacted)@db:27017/omada'],
  ['mongodb://admin:hun%40ter2@db', 'mongodb://(redacted)@db'],
  ['mongodb+srv://db/omada?tlsCertificateKeyFilePassword=hunter2', 'mongodb+srv://db/omada?(redacted)'],
  ['mongodb://db1,db2/omada', 'mongodb://db1,db2/omada'],
])('%s is shown as %s', (uri, expected) => {
  const keys = shownKeys(load('', { OMADA_HOST_MONGO_URI: uri }))
  expect(keys.find(({ path }) => path === 'mongo.uri')?.value).toBe(expected)
})

test("the image's variables are shown by name only", () => {
  const loaded = load('controller: {environment: {SECRET: hunter2, OTHER: hunter3}}')
  expect(JSON.stringify(shownKeys(loaded))).not.toContain('hunter')
  expect(formatConfig(loaded)).toContain('environment: { SECRET: (redacted), OTHER: (redacted) }')
})
