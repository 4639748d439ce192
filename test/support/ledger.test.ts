import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Child } from './child.ts'
import { command } from './command.ts'
import { Ledger, sweep } from './ledger.ts'
import { isSameProcess, processMark } from './process-mark.ts'

let parent: string
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'ledger-test-'))
})
afterEach(() => rm(parent, { recursive: true, force: true }))

test('undoes what was made last first, goes past a failure, and removes its directory', async () => {
  const ledger = await Ledger.open('x-', parent)
  const trace = join(parent, 'trace')
  const write = (word: string) => ['sh', '-c', `printf '${word} ' >> ${trace}`]
  ledger.willMake('first', write('first'))
  ledger.willMake('broken', ['sh', '-c', 'echo no such thing >&2; exit 1'])
  ledger.willMake('last', write('last'))
  await expect(ledger.close()).rejects.toThrow(/broken.*no such thing/s)
  expect(readFileSync(trace, 'utf8')).toBe('last first ')
  expect(existsSync(ledger.directory)).toBe(false)
})

test('ends a child that ignores SIGTERM', async () => {
  const ledger = await Ledger.open('x-', parent)
  const argv = ['sh', '-c', "trap '' TERM; echo ready; while :; do sleep 0.1; done"]
  const child = await Child.start(ledger, { what: 'stubborn', argv, graceMilliseconds: 100 })
  await child.line((line) => line === 'ready' || undefined, 10_000)
  await ledger.close()
  expect(await child.ended).toEqual({ code: null, signal: 'SIGKILL' })
})

test('after a crash the next start cleans up, and leaves alone who is alive', async () => {
  const trace = join(parent, 'trace')
  const program = `
    import { Ledger } from ${JSON.stringify(join(import.meta.dirname, 'ledger.ts'))}
    import { Child } from ${JSON.stringify(join(import.meta.dirname, 'child.ts'))}
    const ledger = await Ledger.open('x-', ${JSON.stringify(parent)})
    ledger.willMake('thing', ['touch', ${JSON.stringify(trace)}])
    const child = await Child.start(ledger, { what: 'sleeper', argv: ['sleep', '600'] })
    process.stdout.write(JSON.stringify({ pid: child.pid, directory: ledger.directory }), () => process.kill(process.pid, 'SIGKILL'))`
  const crashed = spawnSync(process.execPath, ['--input-type=module-typescript', '--eval', program], {
    encoding: 'utf8',
  })
  const { pid, directory } = JSON.parse(crashed.stdout) as { pid: number; directory: string }
  const sleeper = processMark(pid)
  expect(sleeper).toBeDefined()
  // As it looks when the crash came in the middle of a line.
  writeFileSync(join(directory, 'ledger.jsonl'), '{"what":"half', { flag: 'a' })

  const alive = await Ledger.open('x-', parent)
  expect(existsSync(trace)).toBe(true)
  expect(existsSync(directory)).toBe(false)
  expect(sleeper !== undefined && isSameProcess(sleeper)).toBe(false)

  await sweep('x-', parent)
  expect(existsSync(alive.directory)).toBe(true)
  await alive.close()
})

test('those who open one at the same time leave each other alone', async () => {
  const program = `
    import { existsSync } from 'node:fs'
    import { Ledger } from ${JSON.stringify(join(import.meta.dirname, 'ledger.ts'))}
    for (let round = 0; round < 15; round += 1) {
      const ledger = await Ledger.open('x-', ${JSON.stringify(parent)})
      await new Promise((resolve) => setTimeout(resolve, 5))
      if (!existsSync(ledger.directory)) throw new Error('somebody swept it away')
      await ledger.close()
    }`
  const argv = ['--input-type=module-typescript', '--eval', program]
  await Promise.all(Array.from({ length: 4 }, () => command([process.execPath, ...argv])))
})
