import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { ApplianceError, ApplianceErrors, isAbort, messageOf, systemCode, toFault } from '../../src/core/errors.ts'

const fault = { code: 'ENGINE_UNREACHABLE', message: 'none answers', remedy: 'start one' } as const

test('an error carries its fault', () => {
  const error = new ApplianceError(fault, { cause: 'x' })
  expect(error.fault).toEqual(fault)
  expect(toFault(error)).toEqual(fault)
})

test('several are the fault of the first where one is asked for', () => {
  const errors = new ApplianceErrors([{ ...fault, code: 'CONFIG_INVALID' }, fault])
  expect(toFault(errors).code).toBe('CONFIG_INVALID')
})

test('what is not ours is a defect', () => {
  expect(toFault(new TypeError('x is undefined'))).toMatchObject({ code: 'INTERNAL', message: 'x is undefined' })
  expect(toFault('thrown')).toMatchObject({ code: 'INTERNAL', message: 'thrown' })
})

test('an AggregateError without a message has those of its errors', () => {
  expect(messageOf(new AggregateError([new Error('a'), new AggregateError([new Error('b')])]))).toBe('a; b')
})

test("a system error's code is found", async () => {
  const socket = connect({ path: '/nonexistent/socket' })
  const [error] = await once(socket, 'error')
  expect(systemCode(error)).toBe('ENOENT')
  expect(systemCode(new Error('x'))).toBeUndefined()
  expect(systemCode('ENOENT')).toBeUndefined()
})

test('an abort is told from a failure and from a deadline', () => {
  expect(isAbort(AbortSignal.abort().reason)).toBe(true)
  expect(isAbort(new DOMException('late', 'TimeoutError'))).toBe(false)
  expect(isAbort(new Error('x'))).toBe(false)
})
