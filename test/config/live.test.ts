import { expect, test } from 'vitest'
import { configKeys } from '../../src/config/keys.ts'
import type { Config, EdgeConfig, HostConfig, LiveConfig } from '../../src/config/schema.ts'

// The compiler checks this file: a claim that does not hold is an error of types.
type Has<T, K extends PropertyKey> = K extends keyof T ? true : false
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
type Writable<T, K extends keyof T> = Same<Pick<T, K>, { -readonly [P in K]: T[P] }>
const holds = <_Claims extends readonly true[]>(): void => {}
const fails = <_Claims extends readonly false[]>(): void => {}

test('a getter has the live keys and no other', () => {
  holds<[Has<LiveConfig['controller'], 'pull'>, Has<LiveConfig['access'], 'guests'>, Has<LiveConfig['log'], 'level'>]>()
  fails<[Has<LiveConfig['controller'], 'image'>, Has<LiveConfig['network'], 'subnet'>, Has<LiveConfig, 'mongo'>]>()
})

test('what a component is built with has no live key, and nothing that the other process reads once', () => {
  holds<
    [Has<HostConfig['controller'], 'image'>, Has<HostConfig['engine'], 'socket'>, Has<HostConfig['mongo'], 'uri'>]
  >()
  fails<[Has<HostConfig['controller'], 'stopGraceSeconds'>, Has<HostConfig, 'health'>, Has<HostConfig, 'discovery'>]>()
  holds<[Has<EdgeConfig['discovery'], 'ports'>, Has<EdgeConfig['proxy'], 'drainSeconds'>, Has<EdgeConfig, 'status'>]>()
  fails<[Has<EdgeConfig['discovery'], 'strict'>, Has<EdgeConfig, 'access'>, Has<EdgeConfig, 'mongo'>]>()
  fails<[Has<HostConfig, 'proxy'>, Has<LiveConfig, 'proxy'>, Has<HostConfig['network'], 'mss'>]>()
})

test('nobody writes into a configuration, however deep', () => {
  fails<
    [
      Writable<Config, 'log'>,
      Writable<Config['log'], 'level'>,
      Writable<LiveConfig['log'], 'level'>,
      Writable<HostConfig['controller'], 'image'>,
      Writable<Config['controller']['environment'], string>,
    ]
  >()
  holds<[Same<Config['proxy']['ports'], readonly number[]>, Same<EdgeConfig['proxy']['ports'], readonly number[]>]>()
})

test('each key is live or says what it needs', () => {
  const needing = (need: string | undefined) =>
    configKeys.filter(({ meta }) => meta.needs === need).map(({ path }) => path)
  expect(needing(undefined)).toEqual([
    'controller.pull',
    'controller.stopGraceSeconds',
    'controller.egress',
    'controller.reach',
    'controller.openApi',
    'network.mss',
    'network.deviceAddress',
    'discovery.strict',
    'discovery.rewriteAddresses',
    'access.devices',
    'access.management',
    'access.guests',
    'health.intervalSeconds',
    'health.startupSeconds',
    'health.failureThreshold',
    'health.restartWhenUnhealthyMinutes',
    'images.checkSchedule',
    'images.authFile',
    'log.level',
  ])
  expect(needing('host')).toEqual(['engine.socket'])
})
