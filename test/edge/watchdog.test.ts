import { mkdtemp, rm, stat } from 'node:fs/promises'
import { createServer } from 'node:http'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { Emitter } from '../../src/core/emitter.ts'
import { createLogger } from '../../src/core/logger.ts'
import { selfCheck, selfQuestions } from '../../src/edge/watchdog.ts'
import { fetchState } from '../../src/ipc/client.ts'
import { stateVersion } from '../../src/ipc/host-state.ts'
import { StateServer } from '../../src/ipc/server.ts'
import { waitFor } from '../support/wait-for.ts'

const logger = createLogger({ level: 'error', format: 'human', write: () => {} })
let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'omada-host-self-check-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

test('an answer is a sign of life; a socket that accepts and says nothing is none', async () => {
  const path = join(directory, 'state.sock')
  let answering = false
  let asked = 0
  const server = createServer((_, response) => {
    asked += 1
    if (answering) response.end(JSON.stringify({ stateVersion }))
  })
  await new Promise<void>((resolve) => server.listen(path, resolve))
  // The wait between two questions is cut short.
  const sleep = (_: number, signal?: AbortSignal) => systemClock.sleep(20, signal)
  const promised: number[] = []
  const alive = (within: number) => void promised.push(within)
  const check = selfQuestions({ path, logger, clock: { ...systemClock, sleep }, alive })
  await check.start(AbortSignal.timeout(10_000))
  try {
    await waitFor(() => expect(asked).toBe(1))
    // It asks again only when the first question has come to nothing.
    server.closeAllConnections()
    await waitFor(() => expect(asked).toBe(2))
    expect(promised).toEqual([])
    answering = true
    server.closeAllConnections()
    await waitFor(() => expect(promised.length).toBeGreaterThan(1))
    // The next one comes well before the watchdog's 60 s.
    expect(Math.max(...promised)).toBeLessThan(40_000)
  } finally {
    await check.stop(AbortSignal.abort())
    // Its connections may finish for longer than the watchdog waits.
    expect(promised.at(-1)).toBe(Number.POSITIVE_INFINITY)
    server.closeAllConnections()
    server.close()
  }
})

test('whoever may read the state of the edge cannot keep its signs of life away', async () => {
  const path = join(directory, 'self.sock')
  const statePath = join(directory, 'state.sock')
  const readers = new StateServer({
    ...{ logger, path: statePath, mode: 0o660, store: { get: () => ({ stateVersion }), changed: new Emitter<void>() } },
  })
  const sleep = (_: number, signal?: AbortSignal) => systemClock.sleep(20, signal)
  const promised: number[] = []
  const alive = (within: number) => void promised.push(within)
  const check = selfCheck({ path, logger, clock: { ...systemClock, sleep }, alive })
  const held: Socket[] = []
  try {
    for (const component of [readers, ...check]) await component.start(AbortSignal.timeout(10_000))
    for (let place = 0; place < 300; place += 1) held.push(connect(statePath).on('error', () => undefined))
    await expect(fetchState(statePath, AbortSignal.timeout(10_000))).rejects.toThrow('does not answer')
    const before = promised.length
    await waitFor(() => expect(promised.length).toBeGreaterThan(before + 2))
    expect((await stat(path)).mode & 0o777).toBe(0o600)
  } finally {
    for (const socket of held) socket.destroy()
    for (const component of [...check, readers].reverse()) await component.stop(AbortSignal.timeout(1000))
  }
})
