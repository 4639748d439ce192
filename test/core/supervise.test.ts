import { describe, expect, it } from 'vitest'
import type { Component } from '../../src/core/component.ts'
import { createLogger } from '../../src/core/logger.ts'
import { supervise } from '../../src/core/supervise.ts'

const logger = createLogger({ level: 'silent', format: 'json', write: () => {} })

function component(name: string, log: string[], extra: Partial<Component> = {}): Component {
  return {
    name,
    start: async () => void log.push(`start ${name}`),
    stop: async () => void log.push(`stop ${name}`),
    ...extra,
  }
}

describe('supervise', () => {
  it('starts in order, says farewell while everything runs, and stops in reverse', async () => {
    const log: string[] = []
    const abort = new AbortController()
    await supervise({
      logger,
      components: [component('a', log), component('b', log)],
      signal: abort.signal,
      stopMilliseconds: 1000,
      started: () => {
        log.push('started')
        abort.abort()
      },
      stopping: async () => void log.push('farewell'),
    })
    expect(log).toEqual(['start a', 'start b', 'started', 'farewell', 'stop b', 'stop a'])
  })

  it('stops the others and tells of a component that died', async () => {
    const log: string[] = []
    const died = Promise.resolve(new Error('socket gone'))
    const life = supervise({
      logger,
      components: [component('a', log), component('b', log, { died })],
      signal: new AbortController().signal,
      stopMilliseconds: 1000,
    })
    await expect(life).rejects.toThrow('b: socket gone')
    expect(log).toEqual(['start a', 'start b', 'stop b', 'stop a'])
  })

  it('still stops the components when the farewell fails, and reports it', async () => {
    const log: string[] = []
    const abort = new AbortController()
    const life = supervise({
      logger,
      components: [component('a', log)],
      signal: abort.signal,
      stopMilliseconds: 1000,
      started: () => abort.abort(),
      stopping: async () => {
        throw new Error('engine gone')
      },
    })
    await expect(life).rejects.toThrow('engine gone')
    expect(log).toEqual(['start a', 'stop a'])
  })

  it('ends without an error when it is cancelled while starting', async () => {
    const log: string[] = []
    const abort = new AbortController()
    const slow = component('slow', log, {
      start: (signal) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason as Error))
          abort.abort()
        }),
    })
    await supervise({ logger, components: [component('a', log), slow], signal: abort.signal, stopMilliseconds: 1000 })
    expect(log).toEqual(['start a', 'stop slow', 'stop a'])
  })
})
