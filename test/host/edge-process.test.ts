import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { createLogger } from '../../src/core/logger.ts'
import { edgeProcess } from '../../src/host/edge-process.ts'
import { waitFor } from '../support/wait-for.ts'

let directory = ''
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'edge-process-test-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

const logger = createLogger({ level: 'silent', format: 'json', write: () => {} })

/** An edge that writes each of its starts to a file and then does as told. */
function edge(then: string) {
  const program = `
    const { appendFileSync } = require('node:fs')
    process.on('disconnect', () => process.exit(0))
    appendFileSync('${directory}/starts', JSON.stringify({ pid: process.pid, connected: process.connected, env: process.env }) + '\\n')
    ${then}`
  return edgeProcess({ logger, clock: systemClock, command: [process.execPath, '-e', program] })
}

async function starts(count: number): Promise<{ pid: number; connected: boolean; env: Record<string, string> }[]> {
  return waitFor(async () => {
    const lines = (await readFile(join(directory, 'starts'), 'utf8')).trim().split('\n')
    if (lines.length < count) throw new Error(`only ${lines.length} starts`)
    return lines.map((line) => JSON.parse(line))
  })
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

it('gives the child a channel by which it sees our end, keeps secrets of its own environment, and stops it', async () => {
  vi.stubEnv('OMADA_HOST_MONGO_URI', 'mongodb://user:secret@db')
  vi.stubEnv('NOTIFY_SOCKET', '/run/notify')
  const process = edge("process.on('SIGTERM', () => process.exit(0))")
  await process.start(new AbortController().signal)
  const [start] = await starts(1)
  expect(start?.connected).toBe(true)
  expect(Object.keys(start?.env ?? {})).toContain('PATH')
  expect(Object.keys(start?.env ?? {}).filter((name) => /OMADA|NOTIFY/.test(name))).toEqual([])
  expect(alive(start?.pid ?? 0)).toBe(true)
  await process.stop(AbortSignal.timeout(10_000))
  expect(alive(start?.pid ?? 0)).toBe(false)
  vi.unstubAllEnvs()
})

it('starts a child that dies again', async () => {
  const process = edge('process.exit(3)')
  await process.start(new AbortController().signal)
  const pids = (await starts(2)).map((start) => start.pid)
  expect(new Set(pids).size).toBeGreaterThanOrEqual(2)
  await process.stop(AbortSignal.timeout(10_000))
})

it('ends a child that does not stop in time', async () => {
  const process = edge("process.on('SIGTERM', () => {})")
  await process.start(new AbortController().signal)
  const [start] = await starts(1)
  await process.stop(AbortSignal.timeout(300))
  expect(alive(start?.pid ?? 0)).toBe(false)
})
