import { expect, test } from 'vitest'
import { fence } from '../../../src/host/datapath/fence.ts'
import { nftBy } from '../../../src/host/datapath/nft.ts'

const ruleset = fence([{ subnet: '10.129.81.0/24', bridge: 'br-omada' }])

test('without the program it says which package has it', async () => {
  const fault = { code: 'NFT_MISSING', remedy: 'apt-get install nftables' }
  await expect(nftBy(['no-such-nft-here']).set(ruleset)).rejects.toMatchObject(fault)
  await expect(nftBy(['no-such-nft-here']).list()).rejects.toMatchObject(fault)
})

test('without the right to set rules it says so, and who can give it', async () => {
  const unprivileged = nftBy(['setpriv', '--bounding-set=-all', '--no-new-privs', '--', 'nft'])
  await expect(unprivileged.set(ruleset)).rejects.toMatchObject({
    code: 'FENCE_DOWN',
    message: expect.stringMatching(/not permitted.*access\.\*/),
    remedy: expect.stringContaining('CAP_NET_ADMIN'),
  })
  // What doctor takes for "ask root".
  await expect(unprivileged.list()).rejects.toMatchObject({ message: expect.stringContaining('not permitted') })
})

test('what else the kernel says is handed on', async () => {
  const failing = nftBy(['sh', '-c', 'echo "Error: Could not process rule: Operation not supported" >&2; exit 1'])
  await expect(failing.set(ruleset)).rejects.toMatchObject({
    code: 'FENCE_DOWN',
    message: expect.stringContaining('Operation not supported'),
    remedy: expect.stringContaining('modprobe nf_tables'),
  })
})
