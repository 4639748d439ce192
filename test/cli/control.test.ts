import { expect, test } from 'vitest'
import { runCli } from '../../src/cli/program.ts'
import { ApplianceError, ApplianceErrors } from '../../src/core/errors.ts'
import { controlVerbs } from '../../src/ipc/control-client.ts'
import { temporaryDirectory } from '../ipc/fixtures.ts'
import { waitFor } from '../support/wait-for.ts'
import { startAppliance } from './appliance.ts'
import { run, surroundings } from './context.ts'

const unasked = async () => ({ message: 'done' })

test.each(controlVerbs)('%s asks the host and says what it answers', async (verb) => {
  const asked: string[] = []
  const answer = (name: string) => async () => {
    asked.push(name)
    return { message: `${name} is done` }
  }
  await using appliance = await startAppliance({
    verbs: {
      pull: answer('pull'),
      restart: answer('restart'),
      stop: answer('stop'),
      start: answer('start'),
      reload: answer('reload'),
    },
  })
  expect(await run([verb, '--runtime-dir', appliance.runtimeDirectory])).toEqual({
    code: 0,
    out: `${verb} is done\n`,
    err: '',
  })
  expect(asked).toEqual([verb])
})

test('acknowledge hands on the code of a problem, and takes no other word', async () => {
  const asked: (readonly [string, string | undefined])[] = []
  await using appliance = await startAppliance({
    acknowledge: async (code, _signal, value) => {
      asked.push([code, value])
      return { message: `${code} is acknowledged` }
    },
  })
  const acknowledge = (...words: string[]) =>
    run(['acknowledge', ...words, '--runtime-dir', appliance.runtimeDirectory])
  expect(await acknowledge('CONTROLLER_KILLED')).toEqual({
    code: 0,
    out: 'CONTROLLER_KILLED is acknowledged\n',
    err: '',
  })
  expect(await acknowledge('controller_killed')).toMatchObject({ code: 2, err: expect.stringContaining('[USAGE]') })
  expect(await acknowledge('DEVICE_ADDRESS', '192.168.1.5')).toMatchObject({ code: 0 })
  expect(await acknowledge('DEVICE_ADDRESS', 'controller.lan')).toMatchObject({ code: 0 })
  expect(await acknowledge('DEVICE_ADDRESS', 'http://controller.lan/')).toMatchObject({ code: 1 })
  expect(asked).toEqual([
    ['CONTROLLER_KILLED', undefined],
    ['DEVICE_ADDRESS', '192.168.1.5'],
    ['DEVICE_ADDRESS', 'controller.lan'],
  ])
})

test('what the host hands on of an engine or a container is no command to the terminal', async () => {
  const evil = 'one\u001b[2J\u0000\ntwo\u009bH'
  await using appliance = await startAppliance({
    verbs: {
      ...{ restart: unasked, stop: unasked, start: unasked, reload: unasked },
      pull: async () => ({ message: evil }),
    },
    logs: async function* () {
      yield evil.replace('\n', ' ')
    },
  })
  const place = ['--runtime-dir', appliance.runtimeDirectory]
  expect((await run(['pull', ...place])).out).toBe('one\ntwo\n')
  expect((await run(['logs', ...place])).out).toBe('one two\n')
})

test('a refusal is told with its own code, remedy and exit code', async () => {
  const refuse = async () => {
    throw new ApplianceError({ code: 'REGISTRY_UNREACHABLE', message: 'docker.io is away', remedy: 'check the line' })
  }
  await using appliance = await startAppliance({
    verbs: { pull: refuse, restart: refuse, stop: refuse, start: refuse, reload: refuse },
  })
  expect(await run(['pull', '--runtime-dir', appliance.runtimeDirectory])).toEqual({
    code: 1,
    out: '',
    err: 'error [REGISTRY_UNREACHABLE] docker.io is away\n  fix: check the line\n',
  })
})

test('a reload of a wrong configuration tells every fault and exits with 78', async () => {
  const fault = (key: string) => ({ code: 'CONFIG_INVALID', message: `${key} is wrong`, remedy: 'mend it' }) as const
  await using appliance = await startAppliance({
    verbs: {
      ...{ pull: unasked, restart: unasked, stop: unasked, start: unasked },
      reload: async () => {
        throw new ApplianceErrors([fault('log.level'), fault('status.port')])
      },
    },
  })
  expect(await run(['reload', '--runtime-dir', appliance.runtimeDirectory])).toEqual({
    code: 78,
    out: '',
    err:
      'error [CONFIG_INVALID] log.level is wrong\n  fix: mend it\n' +
      'error [CONFIG_INVALID] status.port is wrong\n  fix: mend it\n',
  })
})

test.each([['pull'], ['logs']])('%s without an appliance exits with 69', async (command) => {
  await using directory = await temporaryDirectory()
  expect(await run([command, '--runtime-dir', directory.path])).toMatchObject({
    code: 69,
    err: expect.stringContaining('error [APPLIANCE_UNREACHABLE]'),
  })
})

test('logs prints the lines that were asked for', async () => {
  const asked: unknown[] = []
  await using appliance = await startAppliance({
    logs: async function* ({ follow, tail }) {
      asked.push({ follow, tail })
      yield 'one'
      yield 'two'
    },
  })
  expect(await run(['logs', '--tail', '7', '--runtime-dir', appliance.runtimeDirectory])).toEqual({
    code: 0,
    out: 'one\ntwo\n',
    err: '',
  })
  expect(asked).toEqual([{ follow: false, tail: 7 }])
})

test('logs -f goes on until it is ended', async () => {
  await using appliance = await startAppliance({
    logs: async function* ({ signal }) {
      for (let line = 1; !signal.aborted; line += 1) {
        yield `line ${line}`
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    },
  })
  const { context, stdout, ending } = surroundings(['logs', '-f', '--runtime-dir', appliance.runtimeDirectory])
  const ended = runCli(context)
  await waitFor(() => expect(stdout.text).toContain('line 3\n'))
  ending.abort()
  expect(await ended).toBe(0)
})
