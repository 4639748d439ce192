import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const program = fileURLToPath(new URL('support/few-files-main.ts', import.meta.url))

test('with fewer files than devices the longest idle session gives way, and every datagram arrives', async () => {
  const shell = 'ulimit -n 128 && exec "$0" "$1"'
  const { stdout } = await promisify(execFile)('sh', ['-c', shell, process.execPath, program], { timeout: 20_000 })
  const result = JSON.parse(stdout)
  expect(result).toMatchObject({ arrived: 500, outcomes: { relayed: 500, 'send-failed': 0 } })
  expect(result.sessions).toBeGreaterThan(32)
  expect(result.sessions).toBeLessThan(128)
  expect(result.lines.filter((line: string) => line.includes('sessions end before their time'))).toHaveLength(1)
})
