import { expect, test } from 'vitest'
import { configSchema } from '../../../src/config/schema.ts'
import { narrowWaysCheck } from '../../../src/diagnosis/doctor/narrow-ways.ts'

const { signal } = new AbortController()

async function check(readSetting: () => string, mss?: number) {
  const config = configSchema.parse({ network: mss === undefined ? {} : { mss } })
  const [result] = await narrowWaysCheck(config, readSetting).run(signal)
  return result
}

test.each(['1\n', '2\n'])('Linux that tries smaller segments is fine: %j', async (setting) => {
  expect(await check(() => setting)).toMatchObject({ status: 'ok', message: expect.not.stringContaining('mss') })
})

test('Linux that does not is told, with the command that mends it', async () => {
  expect(await check(() => '0\n')).toEqual({
    status: 'warn',
    message: expect.stringMatching(/tcp_mtu_probing is 0.*adoption fails though devices are found$/),
    remedy: expect.stringContaining('sysctl -w net.ipv4.tcp_mtu_probing=1'),
  })
})

test.each(['0\n', '1\n'])('what network.mss does is said either way: %j', async (setting) => {
  expect(await check(() => setting, 1360)).toMatchObject({ message: expect.stringContaining('to 1360 bytes') })
})

test('a kernel that does not tell it leaves it open; what else fails is not taken for that', async () => {
  const failing = (code: string) => () => {
    throw Object.assign(new Error(code), { code })
  }
  expect(await check(failing('ENOENT'))).toMatchObject({ status: 'unknown' })
  await expect(check(failing('EACCES'))).rejects.toThrow('EACCES')
})

test('this kernel tells it', async () => {
  const [result] = await narrowWaysCheck(configSchema.parse({})).run(signal)
  expect(result?.status).toMatch(/^(?:ok|warn)$/)
})
