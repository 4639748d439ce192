import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryDirectory } from '../ipc/fixtures.ts'
import { run } from './context.ts'

/** Runs netcheck where no network of this machine is the devices': it sends nothing. */
async function netcheck(options: readonly string[], config = 'access: {devices: [nosuch0], management: [nosuch0]}') {
  await using directory = await temporaryDirectory()
  const path = join(directory.path, 'config.yaml')
  await writeFile(path, config)
  return await run(['--config', path, '--runtime-dir', directory.path, 'netcheck', ...options])
}

test('a machine without a network of the devices has something to mend', async () => {
  const { code, out, err } = await netcheck(['--json'])
  expect(code).toBe(1)
  expect(err).toBe('')
  const findings = JSON.parse(out)
  expect(findings).toContainEqual({
    check: 'network',
    status: 'fail',
    message: expect.stringContaining('no device can find it'),
    remedy: expect.stringContaining('access.devices'),
  })
  expect(findings).toContainEqual({
    check: 'appliance',
    status: 'unknown',
    message: expect.stringContaining('omada-host is not running'),
    remedy: expect.stringContaining('systemctl start omada-host'),
  })
})

test('people get it with the remedies and a sum', async () => {
  const { code, out } = await netcheck([])
  expect(code).toBe(1)
  expect(out).toMatch(/^fail {5}network .*\n +fix: give it an address/m)
  expect(out).toMatch(/\d+ to mend, 0 to know, \d+ not checked, \d+ fine\n$/)
})

test('a wrong configuration is told and nothing is looked at', async () => {
  const { code, out, err } = await netcheck([], 'access: {devices: 7}')
  expect(code).toBe(78)
  expect(out).toBe('')
  expect(err).toContain('access.devices')
})
