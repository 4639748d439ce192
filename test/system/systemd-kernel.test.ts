import { expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { systemdHost } from './support/systemd-fixture.ts'

// A machine whose kernel says that it is one on which MongoDB 8 crashes.
const host = systemdHost({}, async ({ machine, registry, appliance }) => {
  machine.write('/root/osrelease', '6.19.3-test\n')
  await machine.exec(['mount', '--bind', '/root/osrelease', '/proc/sys/kernel/osrelease'])
  await registry.start()
  await registry.push('6.3')
  await appliance.install({ start: false })
  appliance.configure()
})

const codes = async () => (await host().appliance.hostState()).warnings.map(({ code }) => code)

test('is told, worked around, and the controller is ready only when its database has lived for a minute', async () => {
  const { appliance, engine } = host()
  const start = appliance.systemctl('start')
  await eventually(
    () => appliance.hostState(),
    ({ phase, reason }) => phase === 'starting' && reason.message.includes('lived for 60 s'),
    90_000,
  )
  expect(await codes()).toContain('KERNEL_DATABASE')
  expect((await appliance.command(['status'])).stdout).toContain('6.19.3-test')
  expect((await start).code).toBe(0)
  expect((await appliance.hostState()).phase).toBe('ready')
  const variables = await engine.run(['inspect', '--format', '{{.Config.Env}}', 'omada-controller'])
  expect(variables).toContain('GLIBC_TUNABLES=glibc.pthread.rseq=1')
})

test('a database that crashed is the reason, with the kernel in its remedy, until it is back', async () => {
  const { appliance, operator } = host()
  await operator.fault({ database: 'dead', databaseExitCode: 139 })
  const { reason } = await eventually(
    () => appliance.hostState(),
    ({ phase, reason: { code } }) => phase === 'degraded' && code === 'DATABASE_CRASHED',
  )
  expect(reason.remedy).toContain('6.19')
  expect((await appliance.command(['doctor'])).stdout).toMatch(/kernel.*6\.19\.3-test/)
  await operator.fault({ database: 'up' })
  await eventually(codes, (all) => !all.includes('DATABASE_CRASHED'))
})
