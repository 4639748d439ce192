import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { waitFor } from '../support/wait-for.ts'
import {
  type Child,
  loopbackEnvironment,
  operator,
  port,
  printedPorts,
  startProcess,
  temporaryDirectory,
} from './support.ts'

function controller(directory: string, more: Record<string, string> = {}): Child {
  return startProcess('controller', [], loopbackEnvironment(directory, more))
}

async function ready(child: Child): Promise<number> {
  await waitFor(() => expect(child.lines.join('\n')).toContain('record: finished run omada tasks'))
  return port(printedPorts(child.lines), 'api')
}

it('prints its log and ports, and exits 143 on SIGTERM with its data clean', async () => {
  const directory = temporaryDirectory()
  const child = controller(directory)
  await ready(child)
  expect(Object.keys(printedPorts(child.lines)).length).toBe(15)
  expect(existsSync(join(directory, 'db/DIRTY'))).toBe(true)
  child.process.kill('SIGTERM')
  expect(await child.ended).toBe(143)
  expect(existsSync(join(directory, 'db/DIRTY'))).toBe(false)
  const log = child.lines.join('\n')
  expect(log).toMatch(/Start NettyUdpServer bind \/0\.0\.0\.0:\d+/)
  expect(log).toMatch(/Start NettyTcpServer bind \/0\.0\.0\.0:\d+/)
  expect(log).toContain('success to shutdown mongodb database')
  expect(log).toContain('Omada Controller exited')
  expect(readFileSync(join(directory, 'logs/server.log'), 'utf8')).toContain('Omada Controller started')
})

it('keeps the server log to itself when told to', async () => {
  const directory = temporaryDirectory()
  const child = controller(directory, { SHOW_SERVER_LOGS: 'false' })
  await waitFor(() => expect(printedPorts(child.lines).deviceMonitor).toBeDefined())
  child.process.kill('SIGTERM')
  expect(await child.ended).toBe(143)
  expect(child.lines.join('\n')).not.toContain('Omada Controller started')
  expect(readFileSync(join(directory, 'logs/server.log'), 'utf8')).toContain('Omada Controller started')
})

it('takes its time to stop when told to, with the data dirty meanwhile', async () => {
  const directory = temporaryDirectory()
  const child = controller(directory, { STANDIN_STOP_SECONDS: '1.5' })
  await ready(child)
  child.process.kill('SIGTERM')
  await waitFor(() => expect(child.lines.join('\n')).toContain('Going to stop mongod'))
  expect(existsSync(join(directory, 'db/DIRTY'))).toBe(true)
  expect(await child.ended).toBe(143)
  expect(existsSync(join(directory, 'db/DIRTY'))).toBe(false)
})

it('ignores SIGTERM when told to', async () => {
  const child = controller(temporaryDirectory())
  const api = await ready(child)
  await operator(api, '/faults', { stop: 'ignore' })
  child.process.kill('SIGTERM')
  expect((await operator(api, '/health')).body).toMatchObject({ ready: true })
  await operator(api, '/faults', { stop: 'orderly' })
  child.process.kill('SIGTERM')
  expect(await child.ended).toBe(143)
})

it('crashes when told to and leaves its data dirty', async () => {
  const directory = temporaryDirectory()
  const child = controller(directory, { STANDIN_CRASH_AFTER_SECONDS: '0.3', STANDIN_CRASH_CODE: '134' })
  expect(await child.ended).toBe(134)
  expect(existsSync(join(directory, 'db/DIRTY'))).toBe(true)
  const again = controller(directory)
  const api = await ready(again)
  expect(again.lines.join('\n')).toContain('Detected unclean shutdown')
  await operator(api, '/faults', { crash: { code: 3, afterSeconds: 0 } })
  expect(await again.ended).toBe(3)
})

it('shows a kill as what it is', async () => {
  const directory = temporaryDirectory()
  const child = controller(directory)
  await ready(child)
  child.process.kill('SIGKILL')
  expect(await child.ended).toBe('SIGKILL')
  const again = controller(directory)
  expect((await operator(await ready(again), '/health')).body).toMatchObject({ data: { uncleanStops: 1 } })
})

it('starts slowly: database, web, devices', async () => {
  const child = controller(temporaryDirectory(), { STANDIN_START_SECONDS: '2' })
  await waitFor(() => expect(printedPorts(child.lines).mongo).toBeDefined())
  expect(printedPorts(child.lines).manageHttps).toBeUndefined()
  const api = port(printedPorts(child.lines), 'api')
  expect((await operator(api, '/health')).body).toMatchObject({ ready: false, phase: 'starting' })
  await waitFor(() => expect(printedPorts(child.lines).manageHttps).toBeDefined())
  expect(printedPorts(child.lines).managerV2).toBeUndefined()
  await ready(child)
  const working = child.lines.filter((line) => line.includes('SpringBootStartUpTask is running'))
  expect(working.length).toBeGreaterThan(2)
})

it('exits 1 on a refusal and 2 on a malformed variable', async () => {
  const refused = controller(temporaryDirectory(), { STANDIN_REFUSE: 'avx' })
  expect(await refused.ended).toBe(1)
  const malformed = controller(temporaryDirectory(), { STANDIN_STOP_SECONDS: 'long' })
  expect(await malformed.ended).toBe(2)
  expect(malformed.lines.join('\n')).toContain('STANDIN_STOP_SECONDS=long')
})
