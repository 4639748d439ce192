import { expect, test } from 'vitest'
import { reportError } from '../../src/cli/report.ts'
import { ApplianceError, ApplianceErrors } from '../../src/core/errors.ts'
import { Kept } from './context.ts'

const engine = new ApplianceError({ code: 'ENGINE_UNREACHABLE', message: 'no engine answers', remedy: 'start one' })
const port = { code: 'PORT_IN_USE', message: 'nginx holds 8043', remedy: 'stop it' } as const

function report(error: unknown): { code: number; text: string } {
  const output = new Kept()
  return { code: reportError(error, output), text: output.text }
}

test('an error of ours is told by its code, message and remedy', () => {
  expect(report(engine)).toEqual({ code: 69, text: 'error [ENGINE_UNREACHABLE] no engine answers\n  fix: start one\n' })
})

test('the cause of a death is told in the words of who died of it', () => {
  expect(report(new Error('reconciler: no engine answers', { cause: engine }))).toEqual({
    code: 69,
    text: 'error [ENGINE_UNREACHABLE] reconciler: no engine answers\n  fix: start one\n',
  })
})

test('several are told one by one, and the first decides', () => {
  const { code, text } = report(new AggregateError([new ApplianceErrors([port]), engine]))
  expect(code).toBe(1)
  expect(text.match(/^error \[\w+\]/gm)).toEqual(['error [PORT_IN_USE]', 'error [ENGINE_UNREACHABLE]'])
})

test('a defect comes with where it is', () => {
  const { code, text } = report(new TypeError('x\u001b[2J is \u009bHundefined'))
  expect(code).toBe(1)
  expect(text).not.toMatch(/[^\P{Cc}\n]/u)
  expect(text).toContain('error [INTERNAL] x is undefined')
  expect(text).toContain('report.test.ts')
})
