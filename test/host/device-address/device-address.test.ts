import { describe, expect, onTestFinished, test } from 'vitest'
import { ApplianceError } from '../../../src/core/errors.ts'
import { plainText } from '../../../src/core/text.ts'
import { Warnings } from '../../../src/core/warnings.ts'
import { type ConfirmedAddress, DeviceAddress } from '../../../src/host/device-address/device-address.ts'
import type { ControllerSettings } from '../../../src/host/device-address/open-api-client.ts'
import type { Ways } from '../../../src/host/device-address/own-address.ts'
import { statusLine } from '../../../src/host/status-line.ts'
import { maxStatusLength } from '../../../src/systemd/notify.ts'
import { hostState, silent } from '../../ipc/fixtures.ts'
import { ManualClock } from '../../support/manual-clock.ts'

async function scene(settings: () => ControllerSettings | undefined = () => undefined) {
  const clock = new ManualClock()
  const warnings = new Warnings({ logger: silent, clock })
  const facts: { ready: string | undefined; own: string; confirmed: ConfirmedAddress | undefined } = {
    ready: undefined,
    own: '192.168.1.5',
    confirmed: undefined,
  }
  const own = () => [{ interface: 'lan0', address: facts.own, family: 'ipv4', prefix: 24, internal: false }] as const
  const ways = async (): Promise<Ways> => ({
    configured: undefined,
    subnet: '10.129.81.0/24',
    served: own(),
    connected: new Map(),
    towardsInternet: undefined,
  })
  const component = new DeviceAddress({
    logger: silent,
    clock,
    warnings: warnings.source({ name: 'device-address' }),
    ways,
    ready: () => facts.ready,
    settings,
    confirmed: () => facts.confirmed,
    confirm: async (confirmed) => {
      facts.confirmed = confirmed
    },
  })
  await component.start(new AbortController().signal)
  onTestFinished(() => component.stop())
  await clock.until(() => clock.sleeping)
  return { clock, facts, component, told: () => warnings.list() }
}

test('what devices are told is unknown as soon as the controller is ready, until the owner confirms it', async () => {
  const { clock, facts, component, told } = await scene()
  expect(told()).toEqual([])
  facts.ready = 'abc'
  component.probed()
  await clock.until(() => told().length > 0)
  expect(told()).toMatchObject([
    { code: 'DEVICE_ADDRESS', remedy: expect.stringContaining('omada-host acknowledge DEVICE_ADDRESS 192.168.1.5') },
  ])
  await component.acknowledge('192.168.1.5')
  expect(told()).toEqual([])
  expect(facts.confirmed).toEqual({ omadacId: 'abc', address: '192.168.1.5' })
})

test('another address of this machine, or another controller, raises it again', async () => {
  const { clock, facts, component, told } = await scene()
  facts.ready = 'abc'
  await component.acknowledge('192.168.1.5')
  facts.own = '192.168.1.6'
  await clock.until(() => told().length > 0, 1000)
  expect(told()).toMatchObject([{ message: expect.stringContaining('were told 192.168.1.5') }])
  await component.acknowledge('192.168.1.6')
  expect(told()).toEqual([])
  facts.ready = 'other'
  component.probed()
  await clock.until(() => told().length > 0)
  expect(told()).toMatchObject([{ message: expect.stringContaining('unknown') }])
})

test.each([
  ['no address', undefined, 'omada-host acknowledge DEVICE_ADDRESS 192.168.1.5'],
  ["the container's", '10.129.81.10', 'network.deviceAddress: 10.129.81.10'],
])('%s is not taken for the one that was set', async (_, value, remedy) => {
  const { facts, component } = await scene()
  facts.ready = 'abc'
  await expect(component.acknowledge(value)).rejects.toMatchObject({
    code: 'COMMAND_REFUSED',
    remedy: expect.stringContaining(remedy),
  })
  expect(facts.confirmed).toBeUndefined()
})

test('nothing can be confirmed of a controller that is not ready', async () => {
  const { component } = await scene()
  await expect(component.acknowledge('192.168.1.5')).rejects.toMatchObject({ code: 'COMMAND_REFUSED' })
})

test('all of it, with the longest addresses, is whole in the line that systemd shows', async () => {
  const { clock, facts, component, told } = await scene()
  facts.own = '192.168.100.100'
  facts.ready = 'abc'
  component.probed()
  await clock.until(() => told().length > 0)
  const line = statusLine({
    ...hostState(),
    phase: 'ready',
    reason: { message: 'the controller is ready' },
    warnings: told(),
  })
  expect(plainText(line, maxStatusLength)).toMatch(/omada-host acknowledge DEVICE_ADDRESS 192\.168\.100\.100$/)
})

/** Settings that a test looks into; `takes` false: what is set is forgotten. */
function kept(device?: string, portal?: string) {
  const fake = { told: { device, portal }, takes: true, fault: undefined as Error | undefined, reads: 0 }
  const settings: ControllerSettings = {
    read: async () => {
      fake.reads += 1
      if (fake.fault !== undefined) throw fake.fault
      return fake.told
    },
    write: async ({ device, portal }) => {
      if (!fake.takes) return
      fake.told = { device: device ?? fake.told.device, portal: portal ?? fake.told.portal }
    },
  }
  return { fake, settings: () => settings }
}

describe('by the Open API', () => {
  test('what is not set is set, seen to be, and looked at again; nobody has to confirm it', async () => {
    const { fake, settings } = kept()
    const { clock, facts, component, told } = await scene(settings)
    facts.ready = 'abc'
    component.probed()
    await clock.until(() => fake.told.device !== undefined)
    await clock.until(() => fake.reads === 2)
    expect(fake.told).toEqual({ device: '192.168.1.5', portal: '192.168.1.5' })
    fake.told = { device: '10.129.81.10', portal: '10.129.81.10' }
    await clock.until(() => fake.told.device === '192.168.1.5', 1000)
    facts.own = '192.168.1.6'
    await clock.until(() => fake.told.device === '192.168.1.6', 1000)
    expect(told()).toEqual([])
  })

  test('what is right already is only looked at', async () => {
    const { fake, settings } = kept('192.168.1.5', '192.168.1.5')
    fake.takes = false
    const { clock, facts, component, told } = await scene(settings)
    facts.ready = 'abc'
    component.probed()
    await clock.until(() => fake.reads > 0)
    await clock.until(() => clock.sleeping)
    expect([fake.reads, told()]).toEqual([1, []])
  })

  test('what the controller does not keep is told', async () => {
    const { fake, settings } = kept('10.129.81.10')
    fake.takes = false
    const { clock, facts, component, told } = await scene(settings)
    facts.ready = 'abc'
    component.probed()
    await clock.until(() => told().length > 0)
    expect(told()).toMatchObject([{ code: 'OPEN_API_FAILED', message: expect.stringContaining('10.129.81.10') }])
  })

  test('what fails is told, tried again at longer and longer intervals, and over when it works', async () => {
    const { fake, settings } = kept()
    fake.fault = new ApplianceError({ code: 'OPEN_API_LOGIN', message: 'refused', remedy: 'compare' })
    const { clock, facts, component, told } = await scene(settings)
    facts.ready = 'abc'
    component.probed()
    await clock.until(() => told().length > 0)
    expect(told()).toMatchObject([{ code: 'OPEN_API_LOGIN' }])
    const end = clock.now() + 600_000
    await clock.until(() => clock.now() > end, 1000)
    expect(fake.reads).toBeGreaterThan(4)
    expect(fake.reads).toBeLessThan(13)
    fake.fault = undefined
    await clock.until(() => told().length === 0, 1000)
    expect(fake.told.device).toBe('192.168.1.5')
  })
})
