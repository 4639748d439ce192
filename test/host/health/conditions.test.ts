import { expect, it } from 'vitest'
import { Warnings } from '../../../src/core/warnings.ts'
import type { ProbedName } from '../../../src/host/health/condition-table.ts'
import { Conditions, conditionsSource } from '../../../src/host/health/conditions.ts'
import type { ProbeResult } from '../../../src/host/health/schedule.ts'
import { StandingClock } from '../../support/health-clock.ts'
import { silent } from '../../support/health-process.ts'

const all: readonly ProbedName[] = ['database', 'web', 'device-port', 'discovery', 'web-ports', 'app-discovery']
const ok: ProbeResult = { ok: true }
const failed: ProbeResult = { ok: false, message: 'refused' }
const unable: ProbeResult = { ok: false, message: 'no nsenter', unable: true }

function scene(options: { ready: boolean }) {
  const clock = new StandingClock()
  const registry = new Warnings({ logger: silent, clock })
  const conditions = new Conditions({ clock, warnings: registry.source(conditionsSource), threshold: () => 3 })
  const history: string[] = []
  registry.history.on((entry) => history.push(`${entry.subject}: ${entry.from} → ${entry.to}`))
  const record = (name: ProbedName, result: ProbeResult, times = 1, patient = true) => {
    for (let i = 0; i < times; i++) conditions.record(name, result, patient)
  }
  if (options.ready) for (const name of all) record(name, ok)
  history.length = 0
  const condition = (name: ProbedName) => conditions.list().find((each) => each.name === name)
  return { clock, registry, conditions, history, record, condition }
}

it('fails after three failures in a row and is back after one success', () => {
  const { record, condition, history, conditions } = scene({ ready: true })
  record('web', failed, 2)
  expect(condition('web')?.status).toBe('ok')
  record('web', ok)
  record('web', failed, 2)
  expect([condition('web')?.status, conditions.allOk(), conditions.allSettled()]).toEqual(['ok', true, false])
  record('web', failed)
  expect(condition('web')).toMatchObject({ status: 'failing', reason: { code: 'WEB_DOWN' } })
  expect(condition('web')?.reason.message).toContain('refused')
  expect(condition('web')?.reason.remedy).toContain('omada-host logs')
  record('web', ok)
  expect([condition('web')?.status, conditions.allOk()]).toEqual(['ok', true])
  expect(history).toEqual(['web: ok → failing', 'web: failing → ok'])
})

it('waits for what it may follow from, whose probe has not told since it failed', async () => {
  const acquitted = scene({ ready: true })
  await acquitted.clock.advance(1000)
  acquitted.record('web', failed, 3)
  expect(acquitted.condition('web')?.status).toBe('ok')
  acquitted.record('database', ok)
  expect(acquitted.condition('web')?.status).toBe('failing')

  const convicted = scene({ ready: true })
  await convicted.clock.advance(1000)
  convicted.record('web', failed, 4)
  convicted.record('database', failed, 3)
  expect(convicted.history).toEqual(['database: ok → failing', 'web: ok → failing'])
  expect(convicted.condition('web')?.consequenceOf).toBe('database')
})

it('keeps since over repeated results and sets it anew on a transition', async () => {
  const { clock, record, condition } = scene({ ready: true })
  const since = condition('database')?.since
  await clock.advance(60_000)
  record('database', ok)
  record('database', failed, 2)
  expect(condition('database')?.since).toBe(since)
  record('database', failed)
  const failingSince = condition('database')?.since
  expect(failingSince).not.toBe(since)
  await clock.advance(60_000)
  record('database', failed)
  expect(condition('database')?.since).toBe(failingSince)
})

it('hides consequences behind their cause', () => {
  const { record, condition, conditions } = scene({ ready: true })
  record('database', failed, 3)
  record('web', failed, 3)
  record('web-ports', failed, 3)
  expect(condition('web')).toMatchObject({ status: 'failing', consequenceOf: 'database' })
  expect(condition('web-ports')?.consequenceOf).toBe('database')
  expect(condition('database')?.consequenceOf).toBeUndefined()
  expect(conditions.rootCause()?.code).toBe('DATABASE_DOWN')
  record('database', ok)
  expect(condition('web')?.consequenceOf).toBeUndefined()
  expect(conditions.rootCause()?.code).toBe('WEB_DOWN')
})

it('never tells a consequence before its cause, however late the verdict on the cause', () => {
  const { record, condition, history } = scene({ ready: true })
  record('database', failed)
  record('web', failed, 5)
  expect(condition('web')?.status).toBe('ok')
  record('database', failed, 2)
  expect(history).toEqual(['database: ok → failing', 'web: ok → failing'])
  expect(condition('web')?.consequenceOf).toBe('database')
})

it('tells a failure whose suspected cause turned out well', () => {
  const { record, condition } = scene({ ready: true })
  record('database', failed, 2)
  record('web', failed, 5)
  record('database', ok)
  expect(condition('web')).toMatchObject({ status: 'failing', reason: { code: 'WEB_DOWN' } })
})

it('tells what more time does not mend although the controller is still given time, in its own words', () => {
  const { record, condition } = scene({ ready: false })
  const fault = {
    code: 'DATABASE_LOGIN',
    message: 'the database refuses the login',
    remedy: 'correct mongo.uri',
  } as const
  const late = { ...fault, code: 'DATABASE_DOWN' } as const
  record('database', { ok: false, message: 'ECONNREFUSED', fault: late, certain: false }, 5)
  expect(condition('database')).toMatchObject({ status: 'unknown' })
  record('database', { ok: false, message: 'Authentication failed.', fault, certain: true })
  expect(condition('database')).toMatchObject({ status: 'failing', reason: fault })
})

it('does not blame a database of which nothing is known', () => {
  const { record, condition, conditions } = scene({ ready: true })
  record('database', unable, 3)
  record('web', failed, 3)
  expect(condition('database')?.reason).toMatchObject({ code: 'PROBE_FAILED' })
  expect(condition('web')?.consequenceOf).toBeUndefined()
  expect(conditions.rootCause()?.code).toBe('PROBE_FAILED')
})

it('names what else is wrong as the cause: the disk of a database that fails, and of that alone', () => {
  const { registry, record, condition, conditions } = scene({ ready: true })
  const disk = registry.source({ name: 'disk' })
  record('database', failed, 3)
  record('web', failed, 3)
  const before = condition('database')?.reason
  disk.raise('1', { code: 'DISK_FULL', message: 'the disk is full', remedy: 'free space' }, { role: 'data' })
  const blamed = { code: 'DISK_FULL', message: `${before?.message}: the disk is full`, remedy: 'free space' }
  expect(condition('database')).toMatchObject({ status: 'failing', reason: blamed })
  expect(condition('database')).not.toHaveProperty('consequenceOf')
  expect(conditions.rootCause()).toEqual(blamed)
  expect(condition('web')).toMatchObject({ reason: { code: 'WEB_DOWN' }, consequenceOf: 'database' })
  expect(registry.list().map(({ code }) => code)).toEqual(['DISK_FULL'])
  disk.clear('1')
  expect(conditions.rootCause()).toEqual(before)
})

it('a paused container is the cause of what does not answer in it', () => {
  const { registry, record, conditions } = scene({ ready: true })
  const container = registry.source({ name: 'container' })
  container.set([{ code: 'CONTAINER_PAUSED', message: 'the container is paused', remedy: 'podman unpause' }])
  record('web', failed, 3)
  expect(conditions.rootCause()).toMatchObject({ code: 'CONTAINER_PAUSED', remedy: 'podman unpause' })
  record('database', failed, 3)
  expect(conditions.rootCause()?.message).toMatch(/MongoDB.*refused: the container is paused$/)
})

it('a failure that becomes another one of the same condition is no change of state', () => {
  const { record, condition, history } = scene({ ready: true })
  record('database', failed, 3)
  record('database', unable)
  expect(condition('database')?.reason.code).toBe('PROBE_FAILED')
  record('database', ok)
  expect(history).toEqual(['database: ok → failing', 'database: failing → ok'])
})

it('says while starting what has not come yet, without calling it a failure', () => {
  const { record, condition, conditions, history } = scene({ ready: false })
  record('database', failed, 10)
  expect(condition('database')).toMatchObject({ status: 'unknown', reason: { message: 'not there yet: refused' } })
  expect(conditions.progress()).toBe('the container runs, waiting for MongoDB')
  record('database', ok)
  expect(conditions.progress()).toBe('MongoDB up, waiting for the web server')
  expect(history).toEqual(['database: unknown → ok'])
})

it('calls it a failure when the time to start is over, and a probe that cannot run after three tries', () => {
  const { record, condition, history } = scene({ ready: false })
  record('web', failed, 1, false)
  expect(history).toEqual(['web: unknown → failing'])
  expect(condition('web')).toMatchObject({ status: 'failing', reason: { code: 'WEB_DOWN' } })
  record('discovery', unable, 2)
  expect(condition('discovery')?.status).toBe('unknown')
  record('discovery', unable)
  expect(condition('discovery')).toMatchObject({ status: 'failing', reason: { code: 'PROBE_FAILED' } })
})

it('a failure to start is none any more when the user gives it more time', () => {
  const { record, condition, history } = scene({ ready: false })
  record('web', failed, 1, false)
  record('web', failed, 1, true)
  expect(condition('web')?.status).toBe('unknown')
  expect(history).toEqual(['web: unknown → failing', 'web: failing → unknown'])
})

it('needs the web ports and the app discovery for nothing but showing them', () => {
  const { record, conditions, condition } = scene({ ready: true })
  record('web-ports', failed, 3)
  record('app-discovery', failed, 3)
  expect(condition('app-discovery')?.status).toBe('failing')
  expect([conditions.allOk(), conditions.rootCause()]).toEqual([true, undefined])
})

it('shows text from outside on one line, without control characters, bounded', () => {
  const { record, condition } = scene({ ready: true })
  record('web', { ok: false, message: `\u001b[31mred\nline\u202e${'x'.repeat(5000)}` }, 3)
  const message = condition('web')?.reason.message ?? ''
  expect(message).not.toMatch(/[\p{Cc}\p{Cf}]/u)
  expect(message.length).toBeLessThan(400)
})
