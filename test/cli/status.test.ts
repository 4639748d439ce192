import { expect, test } from 'vitest'
import { runCli } from '../../src/cli/program.ts'
import { mergeStatus } from '../../src/edge/status/merge.ts'
import { hostState, temporaryDirectory } from '../ipc/fixtures.ts'
import { waitFor } from '../support/wait-for.ts'
import { startAppliance } from './appliance.ts'
import { run, surroundings } from './context.ts'

test('the two halves are told as one', async () => {
  await using appliance = await startAppliance()
  const { code, out, err } = await run(['status', '--runtime-dir', appliance.runtimeDirectory])
  expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(out).toMatch(/^ready, since \d+ .*: every probe succeeds$/m)
  expect(out).toContain('  image docker.io/mbentley/omada-controller:6.2')
  expect(out).toMatch(/^ {2}AA-BB-CC-00-00-01 +ap +EAP650 +Office ceiling +192\.168\.0\.21 +ours +connected/m)
  expect(out).toContain('  2 sessions; relayed 10, duplicate 3')
  expect(out).toMatch(/^ {2}29814 +listening +0 open/m)
})

test('--json is the public status', async () => {
  await using appliance = await startAppliance()
  const { code, out } = await run(['status', '--json'], { env: { OMADA_HOST_RUNTIME_DIR: appliance.runtimeDirectory } })
  expect(code).toBe(0)
  expect(JSON.parse(out)).toEqual(mergeStatus(appliance.host.get(), appliance.edge.get()))
})

test('nothing that the edge says, which faces the network, is a command to the terminal', async () => {
  await using appliance = await startAppliance()
  const evil = '\u001b]0;owned\u0007\u0000\u009b2J\u202e'
  const { stateVersion, ...edge } = appliance.edge.get()
  const reason = { code: 'PORT_FAILED', message: 'because', remedy: 'so' } as const
  const more = {
    ...edge,
    discovery: { ...edge.discovery, outcomes: { [`relayed${evil}`]: 1 } },
    devices: edge.devices.map((device) => ({ ...device, hint: reason })),
    status: { ...edge.status, state: 'failed', reason },
  }
  const spoilt = JSON.parse(JSON.stringify(more), (key, value) =>
    typeof value === 'string' && key !== 'state' ? value + evil : value,
  )
  appliance.edge.update(() => ({ ...spoilt, stateVersion }))
  for (const argv of [['status'], ['status', '--json']]) {
    const { code, out } = await run([...argv, '--runtime-dir', appliance.runtimeDirectory])
    expect(code).toBe(0)
    expect(out).toContain('relayed')
    expect(out).not.toMatch(/[^\P{Cc}\n]|\p{Cf}/u)
  }
})

test('a phase that is not ready is told with its remedy and is no failure of the command', async () => {
  await using appliance = await startAppliance()
  appliance.host.update((state) => ({
    ...state,
    phase: 'degraded',
    reason: { code: 'DATABASE_DOWN', message: 'MongoDB does not answer', remedy: 'omada-host logs' },
  }))
  const { code, out } = await run(['status', '--runtime-dir', appliance.runtimeDirectory])
  expect(code).toBe(0)
  expect(out).toMatch(/^degraded, .*: MongoDB does not answer\n {2}fix: omada-host logs$/m)
})

test('a warning is told with what mends it and since when it is so', async () => {
  await using appliance = await startAppliance()
  const since = new Date(Date.now() - 3_600_000).toISOString()
  const warning = {
    code: 'DISK_LOW',
    message: 'nearly full',
    remedy: 'free space',
    severity: 'warning',
    since,
  } as const
  appliance.host.update((state) => ({ ...state, warnings: [warning] }))
  const { out } = await run(['status', '--runtime-dir', appliance.runtimeDirectory])
  expect(out).toMatch(/^warnings\n {2}nearly full \(for 1 h.*\)\n {4}fix: free space$/m)
})

test('without the edge the host is told, with a warning', async () => {
  await using appliance = await startAppliance()
  await appliance.stopEdge()
  const { code, out } = await run(['status', '--runtime-dir', appliance.runtimeDirectory])
  expect(code).toBe(0)
  expect(out).toContain('every probe succeeds')
  expect(out).toMatch(/^warnings\n {2}the edge does not answer/m)
})

test('without the host the edge is told', async () => {
  await using appliance = await startAppliance()
  await appliance.stopHost()
  const { code, out } = await run(['status', '--runtime-dir', appliance.runtimeDirectory])
  expect(code).toBe(0)
  expect(out).toContain("omada-host's host process has not answered")
  expect(out).toContain('AA-BB-CC-00-00-01')
})

test('without either the exit code is 69', async () => {
  await using directory = await temporaryDirectory()
  const { code, out, err } = await run(['status', '--runtime-dir', directory.path])
  expect({ code, out }).toEqual({ code: 69, out: '' })
  expect(err).toMatch(/^error \[APPLIANCE_UNREACHABLE\] .*\n {2}fix: /)
})

test('--watch tells of changes until it is ended', async () => {
  await using appliance = await startAppliance()
  const { context, stdout, ending } = surroundings([
    'status',
    '--watch',
    '--json',
    '--runtime-dir',
    appliance.runtimeDirectory,
  ])
  const ended = runCli(context)
  const phases = () => stdout.text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line).phase]))
  await waitFor(() => expect(phases()).toContain('ready'))
  appliance.host.update(() => hostState({ phase: 'stopping' }))
  await waitFor(() => expect(phases().at(-1)).toBe('stopping'))
  ending.abort()
  expect(await ended).toBe(0)
})

test('--watch of a host that falls silent tells what it last said', async () => {
  await using appliance = await startAppliance()
  const { context, stdout, ending } = surroundings(['status', '--watch', '--runtime-dir', appliance.runtimeDirectory])
  const ended = runCli(context)
  await waitFor(() => expect(stdout.text).toContain('every probe succeeds'))
  await appliance.stopHost()
  await waitFor(() => expect(stdout.text).toContain('The controller was ready before'))
  ending.abort()
  expect(await ended).toBe(0)
})
