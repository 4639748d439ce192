import { describe, expect, it, test } from 'vitest'
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

const never = new AbortController().signal

interface Script {
  readonly start?: () => void
  readonly stop?: () => void
  readonly died?: Promise<Error>
}

/** The life of components that write down what is done to them, and what they wrote. */
function lifeOf(scripts: Readonly<Record<string, Script>>, signal = never, started = () => {}) {
  const done: string[] = []
  const lines: string[] = []
  const components = Object.entries(scripts).map(([name, { start, stop, died }]) =>
    component(name, done, {
      start: async () => {
        done.push(`start ${name}`)
        start?.()
      },
      stop: async () => {
        done.push(`stop ${name}`)
        stop?.()
      },
      ...(died === undefined ? {} : { died }),
    }),
  )
  const log = createLogger({ level: 'info', format: 'journal', write: (line) => lines.push(line) })
  return { life: supervise({ logger: log, components, signal, stopMilliseconds: 5000, started }), done, lines }
}

function fail(message: string): () => never {
  return () => {
    throw new Error(message)
  }
}

test('a failed start unwinds what was started, the failed one included, and nothing else', async () => {
  const { life, done } = lifeOf({ a: {}, b: { start: fail('no room') }, c: {} })
  await expect(life).rejects.toThrow('no room')
  expect(done).toEqual(['start a', 'start b', 'stop b', 'stop a'])
})

test('the error of a failed start is told although unwinding fails too, which is logged', async () => {
  const { life, done, lines } = lifeOf({ a: { stop: fail('stuck') }, b: { start: fail('no room') } })
  await expect(life).rejects.toThrow('no room')
  expect(done.at(-1)).toBe('stop a')
  expect(lines).toEqual([expect.stringMatching(/^<3>unwinding after a failed start \(a did not stop cleanly/)])
})

test('an abort between two starts unwinds, and is no error', async () => {
  const abort = new AbortController()
  const { life, done } = lifeOf({ a: { start: () => abort.abort() }, b: {} }, abort.signal)
  await life
  expect(done).toEqual(['start a', 'stop a'])
})

test('a stop that throws keeps no other from stopping, and all errors are told together', async () => {
  const abort = new AbortController()
  const scripts = { a: { stop: fail('a stuck') }, b: {}, c: { stop: fail('c stuck') } }
  const { life, done } = lifeOf(scripts, abort.signal, () => abort.abort())
  await expect(life).rejects.toMatchObject({
    name: 'AggregateError',
    errors: [
      { message: 'c did not stop cleanly', cause: { message: 'c stuck' } },
      { message: 'a did not stop cleanly', cause: { message: 'a stuck' } },
    ],
  })
  expect(done.slice(3)).toEqual(['stop c', 'stop b', 'stop a'])
})

test('the first death is told with who died, and what goes wrong after it with it', async () => {
  const dies = (message: string) => ({ died: Promise.resolve(new Error(message)) })
  const { life } = lifeOf({ a: { died: new Promise(() => {}) }, b: dies('lost its socket'), c: dies('too late') })
  await expect(life).rejects.toMatchObject({ message: 'b: lost its socket', cause: { message: 'lost its socket' } })
  const other = lifeOf({ a: { ...dies('gone'), stop: fail('stuck') } })
  await expect(other.life).rejects.toMatchObject({
    errors: [{ message: 'a: gone' }, { message: 'a did not stop cleanly', cause: { message: 'stuck' } }],
  })
})
