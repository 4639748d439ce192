import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { formatFindings } from '../../src/cli/report.ts'
import { configSchema } from '../../src/config/schema.ts'
import { ApplianceError } from '../../src/core/errors.ts'
import { machineChecks } from '../../src/diagnosis/doctor/machine-checks.ts'
import { runChecks } from '../../src/diagnosis/finding.ts'
import { temporaryDirectory } from '../ipc/fixtures.ts'
import { run } from './context.ts'

interface Told {
  readonly check: string
  readonly status: string
  readonly code?: string
  readonly message: string
  readonly remedy?: string
}

/** Runs doctor with an engine socket that nobody listens on, whatever this machine has. */
async function doctor(config: string): Promise<{ code: number; findings: Told[] }> {
  await using directory = await temporaryDirectory()
  const path = join(directory.path, 'config.yaml')
  await writeFile(path, config)
  const env = { OMADA_HOST_ENGINE_SOCKET: join(directory.path, 'none.sock') }
  const argv = ['--config', path, '--runtime-dir', directory.path, 'doctor', '--json']
  const { code, out } = await run(argv, { env })
  return { code, findings: JSON.parse(out) }
}

test('an engine that does not answer is a failure, and what needs it is said not to be checked', async () => {
  const { code, findings } = await doctor('')
  expect(code).toBe(1)
  expect(findings).toContainEqual({
    check: 'engine',
    status: 'fail',
    code: 'ENGINE_UNREACHABLE',
    message: expect.any(String),
    remedy: expect.any(String),
  })
  for (const check of ['runtime', 'limits', 'disk']) {
    expect(findings).toContainEqual({ check, status: 'unknown', message: expect.stringContaining('could not check') })
  }
  expect(new Set(findings.map(({ check }) => check))).toEqual(
    new Set([
      ...['configuration', 'engine', 'runtime', 'limits', 'processor', 'subnet', 'disk', 'memory', 'data', 'kernel'],
      ...['room', 'privileges', 'clock', 'interfaces', 'ipv6', 'open files', 'isolation', 'ports'],
      'narrow ways',
    ]),
  )
})

test('a directory that is not there, and one beside the data, are told before a start', async () => {
  await using directory = await temporaryDirectory()
  const data = join(directory.path, 'data')
  await mkdir(join(data, 'db'), { recursive: true })
  await mkdir(join(data, 'keystore'))
  await writeFile(join(data, 'db/WiredTiger'), '')
  const ofData = async (config: string) => (await doctor(config)).findings.filter(({ check }) => check === 'data')
  expect(await ofData(`controller: {dataVolume: ${directory.path}}`)).toMatchObject([
    { status: 'fail', code: 'DATA_ELSEWHERE', message: expect.stringContaining(`${data} has one`) },
  ])
  expect(await ofData(`controller: {dataVolume: ${data}}`)).toMatchObject([{ status: 'ok' }])
  expect(await ofData(`controller: {logsVolume: ${data}s}`)).toMatchObject([
    { status: 'fail', code: 'DIRECTORY_MISSING', remedy: expect.stringContaining(`mkdir -p ${data}s`) },
  ])
})

test('a port that another process holds is named with it', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  try {
    const { code, findings } = await doctor(`proxy: {ports: [${port}]}`)
    expect(code).toBe(1)
    expect(findings).toContainEqual({
      check: 'ports',
      status: 'fail',
      code: 'PORT_IN_USE',
      message: expect.stringMatching(new RegExp(`\\(pid ${process.pid}\\) listens on tcp ${port}`)),
      remedy: expect.stringContaining('stop it'),
    })
  } finally {
    server.close()
  }
})

test('a wrong configuration is a finding and the rest is still looked at', async () => {
  const { code, findings } = await doctor('log: {level: loud}\naccess: {devices: [nosuch0]}')
  expect(code).toBe(1)
  expect(findings).toContainEqual(
    expect.objectContaining({ check: 'configuration', status: 'fail', message: expect.stringContaining('log.level') }),
  )
  expect(findings.map(({ check }) => check)).toContain('ports')
})

test('an interface that is not there is named', async () => {
  const { findings } = await doctor('access: {devices: [nosuch0, 10.0.0.0/8]}')
  expect(findings).toContainEqual({
    check: 'interfaces',
    status: 'fail',
    code: 'ACCESS_UNKNOWN_INTERFACE',
    message: expect.stringContaining('access.devices names the interface "nosuch0"'),
    remedy: expect.stringContaining('correct access.devices'),
  })
})

test('a clock in the past is a failure', async () => {
  const checks = machineChecks({
    ...{ config: configSchema.parse({}), places: [], edgeStateSocket: '' },
    now: () => Date.parse('1970-01-02T00:00:00Z'),
  })
  const clock = checks.find(({ name }) => name === 'clock')
  expect(await clock?.run(new AbortController().signal)).toEqual([
    expect.objectContaining({ status: 'fail', message: expect.stringContaining('1970-01-02') }),
  ])
})

test('a look that fails is a finding: ours with its remedy, any other as not checked', async () => {
  const { signal } = new AbortController()
  const ours = new ApplianceError({ code: 'MEMORY_LOW', message: 'too little', remedy: 'add some' })
  const failing = (error: Error) => ({ name: 'x', run: () => Promise.reject(error) })
  expect(await runChecks([failing(ours)], signal)).toEqual([
    { check: 'x', status: 'fail', code: 'MEMORY_LOW', message: 'too little', remedy: 'add some' },
  ])
  expect(await runChecks([failing(new Error('EACCES'))], signal)).toEqual([
    { check: 'x', status: 'unknown', message: 'could not check: EACCES' },
  ])
})

test('findings for people have their code before them, their remedy below them and a sum at the end', () => {
  expect(
    formatFindings([
      { check: 'engine', status: 'fail', code: 'ENGINE_UNREACHABLE', message: 'none', remedy: 'install one' },
      { check: 'ipv6', status: 'ok', message: 'there' },
    ]),
  ).toBe(
    'fail     engine  [ENGINE_UNREACHABLE] none\n                 fix: install one\nok       ipv6    there\n\n' +
      '1 to mend, 0 to know, 0 not checked, 1 fine\n',
  )
})
