import { expect, test } from 'vitest'
import { load, messagesOf } from './faults.ts'

const environment = (text: string) => load(`controller: {environment: ${text}}`).config.controller.environment

test.each([
  ['{A: 508, B: true, C: False, D: x}', { A: '508', B: 'true', C: 'false', D: 'x' }],
  [
    '{A: 1.10, B: 0508, C: 0x1F, D: 12345678901234567890, E: 1e3}',
    {
      A: '1.10',
      B: '0508',
      C: '0x1F',
      D: '12345678901234567890',
      E: '1e3',
    },
  ],
  ['[A=508, "B=a=b c", C=]', { A: '508', B: 'a=b c', C: '' }],
  ['[]', {}],
])('%s is read as it is written', (text, expected) => {
  expect(environment(text)).toEqual(expected)
})

test('as a variable of ours a number keeps its form, and a comma its place', () => {
  const set = (text: string) =>
    load(undefined, { OMADA_HOST_CONTROLLER_ENVIRONMENT: text }).config.controller.environment
  expect(set('{A: 1.10}')).toEqual({ A: '1.10' })
  expect(set('["_JAVA_OPTIONS=-Da=1,B=2"]')).toEqual({ _JAVA_OPTIONS: '-Da=1,B=2' })
  expect(messagesOf('', { OMADA_HOST_CONTROLLER_ENVIRONMENT: 'A=1,B=2' })).toHaveLength(1)
})

test.each([
  ['[PUID]', 'controller.environment[0] (/c.yaml:1)'],
  ['[A=1, A=2]', 'controller.environment (/c.yaml:1)'],
  ['[PUID: 508]', 'controller.environment[0] (/c.yaml:1)'],
  ['{A: }', 'controller.environment.A (/c.yaml:1) has no value'],
  ['{A: "x\\0y"}', 'controller.environment.A (/c.yaml:1)'],
  ['{A-B: x}', 'controller.environment.A-B (/c.yaml:1) is not a name'],
  ['{PUID: 0508}', 'controller.environment sets PUID to what the image does not take'],
  ['{JAVA_MAX_HEAP_SIZE: 2048}', 'sets JAVA_MAX_HEAP_SIZE'],
  ['{ROOTLESS: true}', 'sets ROOTLESS, which omada-host sets itself'],
  ['[SSL_CERT_NAME=fullchain.pem]', 'sets SSL_CERT_NAME, which omada-host sets itself'],
])('%s is refused', (text, expected) => {
  expect(messagesOf(`controller: {environment: ${text}}`)).toEqual([expect.stringContaining(expected)])
})

test("a fault's line is that of the innermost key or item", () => {
  const text = `
controller:
  environment:
    A: x
    B: [1]
  memory:
    heapMegabytes: 512
    databaseCacheMegabytes: 1
proxy:
  ports:
    - 8043
    - 70000
`
  expect(messagesOf(text)).toEqual([
    expect.stringContaining('controller.environment.B (/c.yaml:5)'),
    expect.stringContaining('controller.memory.databaseCacheMegabytes (/c.yaml:8)'),
    expect.stringContaining('proxy.ports[1] (/c.yaml:12)'),
  ])
})

test.each(['europe/berlin', 'EUROPE/BERLIN', 'us/eastern', 'utc', '+01:00'])(
  'the time zone %s, which the image would not find, is refused',
  (zone) => {
    expect(messagesOf(`controller: {timezone: "${zone}"}`)).toEqual([
      expect.stringContaining('controller.timezone (/c.yaml:1)'),
    ])
  },
)

test.each(['Europe/Berlin', 'US/Eastern', 'America/Port_of_Spain', 'Etc/GMT+5', 'UTC', 'Asia/Kolkata'])(
  'the time zone %s is taken',
  (zone) => {
    expect(load(`controller: {timezone: "${zone}"}`).config.controller.timezone).toBe(zone)
  },
)

test('a connection string that is not read alike is refused, without a word of it', () => {
  const messages = messagesOf('mongo: {uri: "mongodb://omada:S3c@ret@db/omada"}')
  expect(messages).toEqual([expect.stringContaining('mongo.uri is not read alike')])
  expect(messages[0]).not.toMatch(/S3c|ret@/)
})
