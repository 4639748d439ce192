import { expect, test } from 'vitest'
import { ApplianceError } from '../../../src/core/errors.ts'
import { type ControllerLook, isolationCheck } from '../../../src/diagnosis/doctor/isolation.ts'
import type { Nft } from '../../../src/host/datapath/nft.ts'

const running: ControllerLook = { state: 'running', network: { subnet: '10.129.81.0/24', bridge: 'br-omada' } }
const { signal } = new AbortController()

/** What doctor says where nft lists this, or throws it. */
async function check(controller: ControllerLook, listing: unknown) {
  const list = async () => {
    if (listing instanceof Error) throw listing
    return listing
  }
  const never = () => Promise.reject(new Error('doctor changes nothing'))
  const nft: Nft = { list, set: never, remove: never, everything: never }
  const [result] = await isolationCheck(controller, nft).run(signal)
  return result
}

const failure = (code: 'NFT_MISSING' | 'FENCE_DOWN', message: string) =>
  new ApplianceError({ code, message, remedy: 'apt-get install nftables' })

test.each([
  [running, undefined, 'fail', /without its fence.*all of it.*10\.129\.81\.0\/24/],
  [running, { nftables: [] }, 'fail', /lacks set bridges, set networks, set astray, chain fence-in/],
  [{ state: 'stopped' }, undefined, 'ok', /set before it starts/],
  [{ state: 'unknown' }, undefined, 'unknown', /no engine says/],
  [running, failure('FENCE_DOWN', 'nft: Operation not permitted (you must be root)'), 'unknown', /only root/],
  [{ state: 'stopped' }, failure('NFT_MISSING', 'the program nft is not installed'), 'fail', /nft is not installed/],
] as const)('%j with %j: %s', async (controller, listing, status, message) => {
  expect(await check(controller, listing)).toMatchObject({ status, message: expect.stringMatching(message) })
})

test('what is to mend has its code and its remedy', async () => {
  expect(await check(running, undefined)).toMatchObject({
    code: 'FENCE_DOWN',
    remedy: expect.stringContaining('systemctl start omada-host'),
  })
})
