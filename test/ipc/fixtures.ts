import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLogger, type Logger } from '../../src/core/logger.ts'
import type { HostState } from '../../src/ipc/host-state.ts'

export const silent: Logger = createLogger({ level: 'silent', format: 'json', write: () => {} })

/** A directory of the test's own, removed when disposed. */
export async function temporaryDirectory(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'omada-host-state-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

export const soon = () => AbortSignal.timeout(10_000)

export function hostState(changes: Partial<HostState> = {}): HostState {
  return {
    stateVersion: 1,
    phase: 'ready',
    reason: { message: 'every probe succeeds' },
    since: '2026-03-01T10:00:00.000Z',
    appliance: { version: '0.1.0', startedAt: '2026-03-01T09:00:00.000Z' },
    controller: { image: 'docker.io/mbentley/omada-controller:6.2', address: '10.129.81.10' },
    conditions: [],
    history: [],
    portHolders: [],
    warnings: [],
    ...changes,
  }
}

export async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const value of values) all.push(value)
  return all
}
