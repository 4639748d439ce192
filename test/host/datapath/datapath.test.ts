import { expect, onTestFinished, test } from 'vitest'
import { ApplianceError } from '../../../src/core/errors.ts'
import { Warnings } from '../../../src/core/warnings.ts'
import { Datapath } from '../../../src/host/datapath/datapath.ts'
import { fence } from '../../../src/host/datapath/fence.ts'
import type { Nft } from '../../../src/host/datapath/nft.ts'
import type { Ruleset } from '../../../src/host/datapath/ruleset.ts'
import { silent } from '../../ipc/fixtures.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const network = { subnet: '10.129.81.0/24', bridge: 'br-omada' }
const forever = new AbortController().signal

/** A kernel with place for our table, as nft tells of it. */
class Kernel implements Nft {
  table: Ruleset | undefined
  fault: ApplianceError | undefined
  sets = 0
  /** Called while the table is being listed. */
  meanwhile = () => {}

  async set(ruleset: Ruleset): Promise<void> {
    if (this.fault !== undefined) throw this.fault
    this.table = ruleset
    this.sets += 1
  }

  async list(): Promise<unknown> {
    if (this.fault !== undefined) throw this.fault
    this.meanwhile()
    const { sets, chains } = this.table ?? {}
    if (sets === undefined || chains === undefined) return undefined
    return {
      nftables: [
        ...sets.map(({ name, elements = [] }) => ({
          set: { name, elem: elements.map((one) => one.replaceAll('"', '')) },
        })),
        ...chains.map(({ name, base }) => ({ chain: { name, ...base } })),
        ...chains.flatMap(({ name: chain, rules }) => rules.map(({ name: comment }) => ({ rule: { chain, comment } }))),
      ],
    }
  }

  async everything(): Promise<string> {
    return ''
  }

  async remove(): Promise<void> {
    if (this.fault !== undefined) throw this.fault
    this.table = undefined
  }
}

async function started(kernel = new Kernel()) {
  const wanted = { networks: [] as (typeof network)[] }
  const clock = new ManualClock()
  const warnings = new Warnings({ logger: silent, clock })
  let flushes = 0
  let looks = 0
  const datapath = new Datapath({
    logger: silent,
    clock,
    warnings: warnings.source({ name: 'datapath' }),
    nft: kernel,
    ruleset: (of) => fence([of, ...wanted.networks]),
    seen: () => {
      looks += 1
    },
    flushed: async () => {
      flushes += 1
    },
  })
  await datapath.start(forever)
  onTestFinished(() => datapath.stop())
  const codes = () => warnings.list().map(({ code }) => code)
  /** The next looks; what they do is awaited by whoever expects it. */
  const look = () => clock.advance(2000)
  return { kernel, clock, wanted, datapath, codes, look, flushes: () => flushes, looks: () => looks }
}

const failing = (code: 'NFT_MISSING' | 'FENCE_DOWN') => new ApplianceError({ code, message: 'no', remedy: '-' })

test('nothing is set for a container that there is not', async () => {
  const { kernel, look } = await started()
  look()
  await new Promise(setImmediate)
  expect(kernel.sets).toBe(0)
})

test('it stands before a container starts, and is set once as long as nothing changes', async () => {
  const { kernel, datapath, look, flushes } = await started()
  await datapath.guard(network, forever)
  expect(kernel.table).toEqual(fence([network]))
  datapath.follow(network)
  look()
  await datapath.guard(network, forever)
  expect({ sets: kernel.sets, flushes: flushes() }).toEqual({ sets: 1, flushes: 0 })
})

test('it is set for a container that runs already, and anew for one on another network', async () => {
  const { kernel, datapath } = await started()
  datapath.follow(network)
  await expect.poll(() => kernel.table).toEqual(fence([network]))
  const other = { subnet: '10.200.0.0/24', bridge: 'podman3' }
  datapath.follow(other)
  await expect.poll(() => kernel.table).toEqual(fence([other]))
})

test('taken away by somebody, it stands again at the next look, and the engine is told', async () => {
  const { kernel, datapath, look, flushes } = await started()
  await datapath.guard(network, forever)
  kernel.table = undefined
  await expect
    .poll(() => {
      look()
      return kernel.table
    })
    .toEqual(fence([network]))
  await expect.poll(flushes).toBe(1)
})

test.each([
  ['a rule', ({ sets, chains: [first, ...rest] }: Ruleset) => ({ sets, chains: [{ ...first, rules: [] }, ...rest] })],
  ['a chain', ({ sets, chains }: Ruleset) => ({ sets, chains: chains.slice(1) })],
  [
    'an element',
    ({ sets: [first, ...rest], chains }: Ruleset) => ({ sets: [{ ...first, elements: [] }, ...rest], chains }),
  ],
  ['a set', ({ sets, chains }: Ruleset) => ({ sets: sets.slice(1), chains })],
])('%s of it taken away, it stands again; the engine has nothing to do with that', async (_, change) => {
  const { kernel, datapath, look, flushes } = await started()
  await datapath.guard(network, forever)
  kernel.table = change(fence([network])) as Ruleset
  await expect
    .poll(() => {
      look()
      return kernel.table
    })
    .toEqual(fence([network]))
  expect(flushes()).toBe(0)
})

test('without the program no container starts', async () => {
  const { kernel, datapath, codes } = await started()
  kernel.fault = failing('NFT_MISSING')
  await expect(datapath.guard(network, forever)).rejects.toMatchObject({ code: 'NFT_MISSING' })
  // Whoever starts it says so.
  expect(codes()).toEqual([])
  kernel.fault = undefined
  await datapath.guard(network, forever)
  expect(kernel.table).toEqual(fence([network]))
})

test('without the program a container that runs goes on, and it is told', async () => {
  const { kernel, datapath, codes } = await started()
  kernel.fault = failing('NFT_MISSING')
  datapath.follow(network)
  await expect.poll(codes).toEqual(['NFT_MISSING'])
})

test('where the kernel refuses it the container starts all the same, which is told until it stands', async () => {
  const { kernel, datapath, codes, look } = await started()
  kernel.fault = failing('FENCE_DOWN')
  await datapath.guard(network, forever)
  expect(codes()).toEqual(['FENCE_DOWN'])
  kernel.fault = undefined
  await expect
    .poll(() => {
      look()
      return codes()
    })
    .toEqual([])
  expect(kernel.table).toEqual(fence([network]))
})

test('it outlives this process, and goes when it is taken away for good', async () => {
  const { kernel, datapath, look } = await started()
  await datapath.guard(network, forever)
  await datapath.remove(forever)
  look()
  expect(kernel.table).toBeUndefined()
  await datapath.guard(network, forever)
  await datapath.stop()
  expect(kernel.table).toEqual(fence([network]))
})

test('that it cannot be taken away is no reason to fail', async () => {
  const { kernel, datapath } = await started()
  await datapath.guard(network, forever)
  kernel.fault = failing('NFT_MISSING')
  await datapath.remove(forever)
})

test('a table that was listed while something else came to be wanted is not looked at, and set anew at once', async () => {
  const { kernel, clock, wanted, datapath, look, looks } = await started()
  await datapath.guard(network, forever)
  await clock.until(() => clock.sleeping)
  kernel.meanwhile = () => {
    wanted.networks = [{ subnet: '10.129.82.0/24', bridge: 'br-other' }]
    kernel.meanwhile = () => {}
  }
  look()
  await clock.until(() => kernel.sets === 2)
  expect(looks()).toBe(0)
  await clock.until(() => clock.sleeping)
  look()
  await clock.until(() => looks() === 1)
})
