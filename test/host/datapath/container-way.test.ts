import { expect, onTestFinished, test } from 'vitest'
import { Warnings } from '../../../src/core/warnings.ts'
import { type ContainerPlace, containerWay } from '../../../src/host/datapath/container-way.ts'
import type { ContainerWay } from '../../../src/network/way.ts'
import { silent } from '../../ipc/fixtures.ts'
import { eventually } from '../../support/eventually.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const place = { name: 'omada', subnet: '10.129.81.0/24', controllerAddress: '10.129.81.10', bridge: 'br-omada' }
const right = { interface: 'br-omada', table: undefined, route: '10.129.81.0/24' }
const wrong = { interface: 'wg0', table: '51820', route: 'default' }

async function watched() {
  const clock = new ManualClock()
  const warnings = new Warnings({ logger: silent, clock })
  const now: { container: ContainerPlace | undefined; way: ContainerWay['way'] | 'unknown' } = {
    container: place,
    way: right,
  }
  let asked = 0
  const loop = containerWay({
    logger: silent,
    clock,
    warnings: warnings.source({ name: 'way' }),
    container: () => {
      asked += 1
      return now.container
    },
    read: async ({ bridge }) => {
      return now.way === 'unknown' ? undefined : { bridge, bridgeThere: true, way: now.way, rules: [] }
    },
  })
  await loop.start(new AbortController().signal)
  onTestFinished(() => loop.stop())
  const asleep = (askedBefore: number) =>
    eventually(
      async () => asked > askedBefore && clock.sleeping,
      (done) => done,
    )
  /** What is told after the next look. */
  return async (change: Partial<typeof now>) => {
    await asleep(0)
    Object.assign(now, change)
    const before = asked
    clock.advance(5000)
    await asleep(before)
    return warnings.list().map(({ code }) => code)
  }
}

test('another way than the bridge is told while it is so', async () => {
  const after = await watched()
  expect(await after({})).toEqual([])
  expect(await after({ way: wrong })).toEqual(['SUBNET_ROUTED'])
  expect(await after({ way: right })).toEqual([])
})

test('what cannot be told ends it, and so does the end of the container', async () => {
  const after = await watched()
  expect(await after({ way: wrong })).toEqual(['SUBNET_ROUTED'])
  expect(await after({ way: 'unknown' })).toEqual([])
  expect(await after({ way: wrong })).toEqual(['SUBNET_ROUTED'])
  expect(await after({ container: undefined })).toEqual([])
})
