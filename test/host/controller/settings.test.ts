import { expect, test } from 'vitest'
import { changedSettings, digestOf, type Settings, settingsLabel } from '../../../src/host/controller/settings.ts'

const settings: Settings = {
  name: 'omada-controller',
  image: 'docker.io/a/b:1',
  environment: { TZ: 'UTC', PASSWORD: 'hunter2' },
  mounts: [],
  network: 'omada',
  subnet: '10.129.81.0/24',
  address: '10.129.81.10',
  ulimits: {},
  init: false,
  logMegabytes: 20,
  capabilities: ['CHOWN'],
  kernelSettings: {},
  marks: {},
}
const changed = (change: Partial<Settings>) => changedSettings(settingsLabel(settings), { ...settings, ...change })

test('what has changed is told in words, and no value but the image', () => {
  expect(changed({})).toEqual([])
  expect(changed({ image: 'docker.io/a/b:2', init: true })).toEqual(['the image docker.io/a/b:2', 'its init'])
  expect(changed({ memoryMegabytes: 1024 })).toEqual(['its memory limit'])
  expect(changed({ environment: { TZ: 'Asia/Tokyo', MORE: '1' } })).toEqual([
    'the variable TZ',
    'the variable PASSWORD',
    'the variable MORE',
  ])
  expect(settingsLabel(settings)).not.toContain('hunter2')
})

test('a setting that only another version knows is told by its name', () => {
  const label = JSON.stringify({ ...(JSON.parse(settingsLabel(settings)) as object), mood: '1' })
  expect(changedSettings(label, settings)).toEqual(['mood'])
})

test.each([undefined, '', '[]', 'x'])('without a list of settings only new kinds of them count: %j', (label) => {
  expect(changedSettings(label, settings)).toEqual([
    'what its root may do',
    "its network's kernel settings",
    'labels that keep automatic updaters away from it',
  ])
})

test('the order of keys is nothing', () => {
  expect(digestOf({ a: 1, b: [{ c: 1, d: 2 }] })).toBe(digestOf({ b: [{ d: 2, c: 1 }], a: 1 }))
  expect(digestOf(['a', 'b'])).not.toBe(digestOf(['b', 'a']))
})
