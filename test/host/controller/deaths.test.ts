import { expect, test } from 'vitest'
import { crashLoop, type Death, judgeDeath, noDeaths } from '../../../src/host/controller/deaths.ts'

const death: Death = { exitCode: 2, outOfMemory: false, log: [], signalled: false }
const judge = (before = noDeaths, now = 0, wasReady = false, change: Partial<Death> = {}) =>
  judgeDeath({ ...death, ...change }, before, { now, wasReady, random: () => 0 })

test('each death in a row waits twice as long, and a controller that was ready begins anew', () => {
  const first = judge()
  const second = judge(first.deaths, 1)
  expect([first, second].map(({ verdict }) => verdict)).toMatchObject([
    { restartInMilliseconds: 1000 },
    { restartInMilliseconds: 2000 },
  ])
  expect(judge(second.deaths, 2, true)).toMatchObject({
    verdict: { restartInMilliseconds: 1000 },
    deaths: { inRow: 1 },
  })
})

test('the last of too many within the window is a loop; one that is over is not counted', () => {
  const times = Array.from({ length: crashLoop.deaths - 1 }, (_, at) => at)
  expect(judge({ times, inRow: 4 }, 10)).toMatchObject({
    verdict: { kind: 'loop', reason: { code: 'CONTROLLER_CRASH_LOOP', message: expect.stringContaining('code 2') } },
  })
  expect(judge({ times, inRow: 4 }, crashLoop.windowMilliseconds).verdict.kind).toBe('restart')
})

test('a refusal by the entrypoint is no death', () => {
  const before = { times: [1], inRow: 1 }
  const refused = { exitCode: 1, log: ['ERROR: something new went wrong'] }
  expect(judge(before, 5, false, refused)).toMatchObject({ verdict: { kind: 'refused' }, deaths: before })
  expect(judge(before, 5, false, { ...refused, exitCode: 2 }).verdict.kind).toBe('restart')
})

test('a kill that somebody asked the engine for is no lack of memory', () => {
  const { reason } = judge(noDeaths, 0, false, { exitCode: 137, signalled: true }).verdict
  expect(reason).toMatchObject({ message: expect.stringMatching(/somebody else, .*exit code 137/) })
  expect(reason.code).toBeUndefined()
  const limited = judge(noDeaths, 0, false, { exitCode: 137, signalled: true, outOfMemory: true }).verdict
  expect(limited.reason.code).toBe('CONTROLLER_OUT_OF_MEMORY')
})

test.each<[string, Partial<Death>, string]>([
  ['a heap that ran out', { log: ['java.lang.OutOfMemoryError: s3cret'] }, 'java heap'],
  ['a memory limit', { outOfMemory: true }, 'memory limit'],
  ['a kill', { exitCode: 137 }, 'exit code 137'],
])('%s is a lack of memory', (_, change, words) => {
  expect(judge(noDeaths, 0, false, change).verdict.reason).toMatchObject({
    code: 'CONTROLLER_OUT_OF_MEMORY',
    message: expect.stringContaining(words),
  })
})

test('a database that ended is the reason, whatever java said at last; who was stopped by somebody is not judged by it', () => {
  const log = ['Fail to start mongo DB server with exit code 139', 'Omada Controller exited']
  expect(judge(noDeaths, 0, false, { exitCode: 1, log }).verdict.reason).toMatchObject({
    code: 'DATABASE_CRASHED',
    message: expect.stringMatching(/^the controller died: .*exit code 139/),
  })
  expect(judge(noDeaths, 0, false, { exitCode: 143, log }).verdict.reason.code).toBeUndefined()
})

test('no line of the log is in what everybody sees', () => {
  const log = ['java.lang.OutOfMemoryError: s3cret', 'password=s3cret', 'ERROR: s3cret']
  const times = Array.from({ length: crashLoop.deaths - 1 }, (_, at) => at)
  const verdicts = [
    judge(noDeaths, 0, false, { log }),
    judge({ times, inRow: 4 }, 10, false, { log }),
    judge(noDeaths, 0, false, { exitCode: 1, log }),
  ].map(({ verdict }) => verdict)
  expect(verdicts.map(({ kind }) => kind)).toEqual(['restart', 'loop', 'refused'])
  expect(JSON.stringify(verdicts)).not.toContain('s3cret')
})
