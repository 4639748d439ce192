import { expect, onTestFinished, test } from 'vitest'
import { Warnings } from '../../../src/core/warnings.ts'
import {
  engineRules,
  flushedFault,
  type RunningContainer,
  restoreByReload,
  tablesFor,
} from '../../../src/host/datapath/engine-rules.ts'
import { silent } from '../../ipc/fixtures.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const network = { subnet: '10.129.81.0/24', bridge: 'br-omada' }
const forever = new AbortController().signal

/** As nft 1.0.6 and 1.1.3 list them. */
const netavark = `table inet netavark {
	chain POSTROUTING {
		type nat hook postrouting priority srcnat; policy accept;
		ip saddr 10.129.81.0/24 counter packets 0 bytes 0 jump nv_d6a0_10_129_81_0_nm24
	}
}
`
const dockerNat = `# Warning: table ip nat is managed by iptables-nft, do not touch!
table ip nat {
	chain POSTROUTING {
		type nat hook postrouting priority srcnat; policy accept;
		oifname != "br-omada" ip saddr 10.129.81.0/24 counter packets 3 bytes 180 masquerade
	}
}
`
const dockerFilter = `table ip filter {
	chain FORWARD {
		type filter hook forward priority filter; policy drop;
		oifname "br-omada" ct state related,established counter packets 1 bytes 1 accept
	}
}
`
const firewalld = `table inet firewalld { # progname firewalld
	flags owner,persist

	chain filter_FORWARD_POLICIES {
		ip saddr 10.129.81.0/24 jump filter_FWD_trusted
		ip saddr 10.129.81.0/24 accept
	}
}
`
const others = `table inet omada-host {
	chain fence-in {
		iifname "br-omada" accept
	}
}
table ip mine {
	chain c {
		ip saddr 10.129.81.0/24 accept
	}
}
table ip nat {
	chain c {
		ip saddr 110.129.81.0/24 accept
	}
}
`

test.each([
  ['of netavark', netavark, ['inet netavark']],
  ['of firewalld, for netavark', firewalld + netavark, ['inet firewalld', 'inet netavark']],
  ['of Docker, by addresses and by the bridge', dockerNat + dockerFilter, ['ip nat', 'ip filter']],
  ['of nobody: ours, a user’s, and another network’s', others, []],
  ['of nobody at all', '', []],
])('the rules for a network %s', (_, listing, tables) => {
  expect([...tablesFor(listing, network)]).toEqual(tables)
})

async function watch(engine: 'podman' | 'docker' = 'podman') {
  const clock = new ManualClock()
  const warnings = new Warnings({ logger: silent, clock })
  const kernel = { listing: dockerNat + dockerFilter, looks: 0 }
  const state: { container: RunningContainer | undefined; restored: number; fails: boolean } = {
    container: { engine, name: 'omada-controller', run: 'c1 2026', network },
    restored: 0,
    fails: false,
  }
  const rules = engineRules({
    logger: silent,
    clock,
    warnings: warnings.source({ name: 'datapath' }),
    nft: {
      everything: async () => {
        kernel.looks += 1
        return kernel.listing
      },
    },
    container: () => state.container,
    restore: async ({ engine: kind }) => {
      state.restored += 1
      if (state.fails) throw new Error('podman: no such container')
      if (kind === 'podman') kernel.listing = dockerNat + dockerFilter
      return kind === 'podman'
    },
  })
  await rules.start(forever)
  onTestFinished(() => rules.stop())
  /** So many more looks, each to its end. */
  const look = async (times = 1) => {
    for (let time = 0; time < times; time += 1) {
      const before = kernel.looks
      clock.advance(5000)
      await clock.until(() => kernel.looks > before && clock.sleeping)
    }
  }
  await clock.until(() => kernel.looks > 0 && clock.sleeping)
  return { rules, kernel, state, look, told: () => warnings.list() }
}

test('rules that go while the container runs are set again, and it is told', async () => {
  const { kernel, state, look, told } = await watch()
  kernel.listing = dockerFilter
  await look(2)
  await expect.poll(() => state.restored).toBe(1)
  await expect.poll(told).toMatchObject([{ code: 'FILTER_FLUSHED', severity: 'warning' }])
  await look(3)
  expect(state.restored).toBe(1)
})

test('what cannot be set again is told once, with the command', async () => {
  const { kernel, state, look, told } = await watch()
  state.fails = true
  kernel.listing = ''
  await look(5)
  expect(state.restored).toBe(1)
  expect(told()).toMatchObject([{ remedy: expect.stringContaining('podman network reload omada-controller') }])
})

test('a container that ends or is started anew takes its rules along, or gets others: that is nobody’s doing', async () => {
  const { kernel, state, look, told } = await watch()
  kernel.listing = ''
  await look()
  kernel.listing = netavark
  state.container = { engine: 'podman', name: 'omada-controller', run: 'c2 2026', network }
  await look(3)
  expect(state.restored).toBe(0)
  expect(told()).toEqual([])
})

test('whoever saw that all is gone has it set again at once', async () => {
  const { rules, state, told } = await watch('docker')
  await rules.lost(forever)
  expect(state.restored).toBe(1)
  expect(told()).toMatchObject([{ remedy: expect.stringContaining('systemctl restart docker') }])
  state.container = undefined
  await rules.lost(forever)
  expect(state.restored).toBe(1)
})

test.each([
  ['podman', true, 'podman network reload --all', "Podman's own rules for it, too"],
  ['podman', false, 'podman network reload omada-controller', "Podman's own rules do not"],
  ['docker', false, 'systemctl restart docker', "Docker's own rules do not"],
] as const)('what is said with %s, restored %s', (engine, restored, remedy, message) => {
  const fault = flushedFault({ engine, name: 'omada-controller' }, restored)
  expect(fault.code).toBe('FILTER_FLUSHED')
  expect(fault.message).toContain(message)
  expect(fault.remedy).toContain(remedy)
})

test('Docker has nothing that would set its rules again', async () => {
  const container = { engine: 'docker', name: 'omada-controller' } as const
  await expect(restoreByReload(container, forever, true)).resolves.toBe(false)
})
