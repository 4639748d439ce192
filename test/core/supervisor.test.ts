import { expect, test } from 'vitest'
import type { Component } from '../../src/core/component.ts'
import { createLogger } from '../../src/core/logger.ts'
import { Supervisor } from '../../src/core/supervisor.ts'

const logger = createLogger({ level: 'silent', format: 'json', write: () => {} })
const never = new AbortController().signal
const deadline = () => AbortSignal.timeout(5000)

interface Script {
  readonly start?: () => void
  readonly stop?: () => void
  readonly died?: Promise<Error>
}

/** A supervisor of components that write down what is done to them, and what they wrote. */
function supervise(scripts: Readonly<Record<string, Script>>) {
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
  const { supervisor, done } = supervise({ a: {}, b: {}, c: {} })
  await supervisor.start(never, deadline)
  await supervisor.stop(deadline())
  expect(done).toEqual(['start a', 'start b', 'start c', 'stop c', 'stop b', 'stop a'])
})

test('a failed start unwinds what was started, the failed one included, and nothing else', async () => {
  const { supervisor, done } = supervise({ a: {}, b: { start: fail('no room') }, c: {} })
  await expect(supervisor.start(never, deadline)).rejects.toThrow('no room')
  expect(done).toEqual(['start a', 'start b', 'stop b', 'stop a'])
})

test('the error of a failed start is told although unwinding fails too', async () => {
  const { supervisor, done } = supervise({ a: { stop: fail('stuck') }, b: { start: fail('no room') } })
  await expect(supervisor.start(never, deadline)).rejects.toThrow('no room')
  expect(done.at(-1)).toBe('stop a')
})

test('an abort between two starts unwinds', async () => {
  const abort = new AbortController()
  const { supervisor, done } = supervise({ a: { start: () => abort.abort() }, b: {} })
  await expect(supervisor.start(abort.signal, deadline)).rejects.toMatchObject({ name: 'AbortError' })
  expect(done).toEqual(['start a', 'stop a'])
})

test('a stop that throws keeps no other from stopping, and all errors are told together', async () => {
  const { supervisor, done } = supervise({ a: { stop: fail('a stuck') }, b: {}, c: { stop: fail('c stuck') } })
  await supervisor.start(never, deadline)
  await expect(supervisor.stop(deadline())).rejects.toMatchObject({
    name: 'AggregateError',
    message: 'c did not stop cleanly; a did not stop cleanly',
    errors: [{ cause: { message: 'c stuck' } }, { cause: { message: 'a stuck' } }],
  })
  expect(done.slice(3)).toEqual(['stop c', 'stop b', 'stop a'])
})

test('a second stop does nothing', async () => {
  const { supervisor, done } = supervise({ a: {} })
  await supervisor.start(never, deadline)
  await supervisor.stop(deadline())
  await supervisor.stop(deadline())
  expect(done).toEqual(['start a', 'stop a'])
})

test('the first death is told with who died', async () => {
  const { supervisor } = supervise({
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
