import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { findLockHolder, parseLocks } from '../../src/linux/file-locks.ts'
import { waitFor } from '../support/wait-for.ts'

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), 'locks-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

test('a process that has a file locked is found, and no other file is taken for it', async () => {
  const path = directory()
  const [held, free] = [join(path, 'held'), join(path, 'free')]
  for (const file of [held, free]) writeFileSync(file, '')
  expect(await findLockHolder([held, free])).toBeUndefined()
  const child = spawn('flock', ['--no-fork', held, 'sleep', '60'], { stdio: 'ignore' })
  onTestFinished(() => void child.kill())
  await waitFor(async () =>
    expect(await findLockHolder([free, held])).toMatchObject({ pid: child.pid, process: 'sleep' }),
  )
  expect(await findLockHolder([free, join(path, 'absent')])).toBeUndefined()
})

test('locks are read, waiters left out', () => {
  const text = `1: POSIX  ADVISORY  WRITE 2001 08:01:131073 0 EOF
1: -> POSIX  ADVISORY  WRITE 2002 08:01:131073 0 EOF
2: FLOCK  ADVISORY  WRITE 77 00:2a:5 0 EOF
3: OFDLCK ADVISORY  READ -1 fd:00:9 100 101
nonsense
`
  expect(parseLocks(text)).toEqual([
    { pid: 2001, device: '08:01', inode: 131_073 },
    { pid: 77, device: '00:2a', inode: 5 },
    { pid: -1, device: 'fd:00', inode: 9 },
  ])
})

test.each([
  ['0::/system.slice/tpeap.service\n', { unit: 'tpeap.service' }],
  [`0::/machine.slice/libpod-${'ab'.repeat(32)}.scope/container\n`, { container: 'abababababab' }],
  [`12:pids:/x\n1:name=systemd:/docker/${'cd'.repeat(32)}\n0::/\n`, { container: 'cdcdcdcdcdcd' }],
  ['0::/\n', {}],
])('%j is where the process belongs', async (cgroup, expected) => {
  const proc = directory()
  const file = join(proc, 'mongod.lock')
  writeFileSync(file, '')
  const { ino } = statSync(file)
  mkdirSync(join(proc, 'self'))
  mkdirSync(join(proc, '4242'))
  writeFileSync(join(proc, 'self/mountinfo'), '22 1 9:9 / / rw - ext4 x rw\n')
  writeFileSync(join(proc, 'locks'), `1: POSIX  ADVISORY  WRITE 4242 09:09:${ino} 0 EOF\n`)
  writeFileSync(join(proc, '4242/cgroup'), cgroup)
  const holder = await findLockHolder([file], proc)
  expect(holder).toEqual({ pid: 4242, process: expect.any(String), ...expected })
})
