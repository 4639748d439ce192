import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { createLogger } from '../../src/core/logger.ts'
import { interfaceWatch, type LocalAddress, readLocalAddresses } from '../../src/network/interfaces.ts'
import { waitFor } from '../support/wait-for.ts'

const logger = createLogger({ level: 'silent', format: 'json', write: () => {} })
const eth0: LocalAddress = { interface: 'eth0', address: '192.0.2.1', family: 'ipv4', prefix: 24, internal: false }
const eth1: LocalAddress = { ...eth0, interface: 'eth1', address: '198.51.100.1' }

describe('interfaceWatch', () => {
  it('tells when an address comes or goes, survives a failing reading, and ends on stop', async () => {
    let read = (): LocalAddress[] => [eth0]
    let reads = 0
    const counted = () => {
      reads += 1
      return read()
    }
    const options = { logger, clock: systemClock, intervalMilliseconds: 5 }
    const watcher = interfaceWatch({ ...options, read: counted })
    const seen: (readonly LocalAddress[])[] = []
    watcher.changed.on((list) => seen.push(list))
    await watcher.start(new AbortController().signal)
    expect(watcher.list()).toEqual([eth0])
    read = () => {
      throw new Error('no memory')
    }
    const before = reads
    await waitFor(() => expect(reads).toBeGreaterThan(before + 1))
    read = () => [eth0, eth1]
    await waitFor(() => expect(seen).toEqual([[eth0, eth1]]))
    await watcher.stop()
    read = () => []
    const after = reads
    // Another one of the same interval looks some times meanwhile.
    let looks = 0
    const other = interfaceWatch({ ...options, read: () => Array(++looks % 2).fill(eth0) })
    await other.start(new AbortController().signal)
    await waitFor(() => expect(looks).toBeGreaterThan(4))
    await other.stop()
    expect(reads).toBe(after)
    expect(seen).toHaveLength(1)
  })

  it('looks at once when asked to, and is not broken by a reading that fails', async () => {
    let read = (): LocalAddress[] => [eth0]
    const watcher = interfaceWatch({
      logger,
      clock: systemClock,
      read: () => read(),
      intervalMilliseconds: 3_600_000,
    })
    await watcher.start(new AbortController().signal)
    const seen: (readonly LocalAddress[])[] = []
    watcher.changed.on((list) => seen.push(list))
    read = () => [eth0, eth1]
    watcher.look()
    expect(seen).toEqual([[eth0, eth1]])
    read = () => {
      throw new Error('no memory')
    }
    watcher.look()
    expect(watcher.list()).toEqual([eth0, eth1])
    await watcher.stop()
  })

  it('counts an address with a label among those of its interface', async () => {
    const module = fileURLToPath(new URL('../../src/network/interfaces.ts', import.meta.url))
    const program = `import(${JSON.stringify(module)}).then((all) => console.log(JSON.stringify(all.readLocalAddresses())))`
    const script = [
      'ip link add lan0 type veth peer name lan1',
      'ip link set lan0 up',
      'ip link set lan1 up',
      'ip address add 192.0.2.1/24 dev lan0',
      'ip address add 192.0.2.129/24 dev lan0 label lan0:1',
      'exec "$1" -e "$2"',
    ].join(' && ')
    const argv = ['--net', 'sh', '-c', script, 'sh', process.execPath, program]
    const { stdout } = await promisify(execFile)('unshare', argv)
    const told = (JSON.parse(stdout) as LocalAddress[]).filter(({ family }) => family === 'ipv4')
    expect(told).toEqual([
      { ...eth0, interface: 'lan0', address: '192.0.2.1' },
      { ...eth0, interface: 'lan0', address: '192.0.2.129' },
    ])
  })

  it("reads this machine's loopback address with its prefix", () => {
    expect(readLocalAddresses()).toContainEqual({
      interface: 'lo',
      address: '127.0.0.1',
      family: 'ipv4',
      prefix: 8,
      internal: true,
    })
  })
})
