import { describe, expect, it, test } from 'vitest'
import type { Component } from '../../src/core/component.ts'
import { createLogger } from '../../src/core/logger.ts'
import { Supervisor, supervise } from '../../src/core/supervise.ts'

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
const deadline = () => AbortSignal.timeout(5000)

interface Script {
  readonly start?: () => void
  readonly stop?: () => void
  readonly died?: Promise<Error>
}

/** A supervisor of components that write down what is done to them, and what they wrote. */
function supervisorOf(scripts: Readonly<Record<string, Script>>) {
  const done: string[] = []
  const components = Object.entries(scripts).map(
    ([name, { start, stop, died }]): Component => ({
      name,
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
  return { supervisor: new Supervisor({ logger, components }), done }
}

function fail(message: string): () => never {
  return () => {
    throw new Error(message)
  }
}

test('starts in order and stops in reverse', async () => {
  const { supervisor, done } = supervisorOf({ a: {}, b: {}, c: {} })
  await supervisor.start(never, deadline)
  await supervisor.stop(deadline())
  expect(done).toEqual(['start a', 'start b', 'start c', 'stop c', 'stop b', 'stop a'])
})

test('a failed start unwinds what was started, the failed one included, and nothing else', async () => {
  const { supervisor, done } = supervisorOf({ a: {}, b: { start: fail('no room') }, c: {} })
  await expect(supervisor.start(never, deadline)).rejects.toThrow('no room')
  expect(done).toEqual(['start a', 'start b', 'stop b', 'stop a'])
})

test('the error of a failed start is told although unwinding fails too', async () => {
  const { supervisor, done } = supervisorOf({ a: { stop: fail('stuck') }, b: { start: fail('no room') } })
  await expect(supervisor.start(never, deadline)).rejects.toThrow('no room')
  expect(done.at(-1)).toBe('stop a')
})

test('an abort between two starts unwinds', async () => {
  const abort = new AbortController()
  const { supervisor, done } = supervisorOf({ a: { start: () => abort.abort() }, b: {} })
  await expect(supervisor.start(abort.signal, deadline)).rejects.toMatchObject({ name: 'AbortError' })
  expect(done).toEqual(['start a', 'stop a'])
})

test('a stop that throws keeps no other from stopping, and all errors are told together', async () => {
  const { supervisor, done } = supervisorOf({ a: { stop: fail('a stuck') }, b: {}, c: { stop: fail('c stuck') } })
  await supervisor.start(never, deadline)
  await expect(supervisor.stop(deadline())).rejects.toMatchObject({
    name: 'AggregateError',
    message: 'c did not stop cleanly; a did not stop cleanly',
    errors: [{ cause: { message: 'c stuck' } }, { cause: { message: 'a stuck' } }],
  })
  expect(done.slice(3)).toEqual(['stop c', 'stop b', 'stop a'])
})

test('a second stop does nothing', async () => {
  const { supervisor, done } = supervisorOf({ a: {} })
  await supervisor.start(never, deadline)
  await supervisor.stop(deadline())
  await supervisor.stop(deadline())
  expect(done).toEqual(['start a', 'stop a'])
})

test('the first death is told with who died', async () => {
  const { supervisor } = supervisorOf({
    a: { died: new Promise(() => {}) },
    b: { died: Promise.resolve(new Error('lost its socket')) },
    c: {},
  })
  await supervisor.start(never, deadline)
  await expect(supervisor.died()).resolves.toMatchObject({
    message: 'b: lost its socket',
    cause: { message: 'lost its socket' },
  })
})
