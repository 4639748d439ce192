import { expect, test } from 'vitest'
import { run } from './context.ts'

const commands = [
  'run',
  'host',
  'edge',
  'status',
  'logs',
  'pull',
  'restart',
  'stop',
  'start',
  'acknowledge',
  'doctor',
  'config',
  'version',
]

test('--help lists every command of people, and no other', async () => {
  const { code, out, err } = await run(['--help'])
  expect({ code, err }).toEqual({ code: 0, err: '' })
  for (const command of commands) expect(out).toMatch(new RegExp(`^  ${command}\\b`, 'm'))
  expect(out).not.toMatch(/^ {2}probe/m)
})

test.each([...commands, 'config check', 'config show', 'config schema'])('%s --help has examples', async (command) => {
  const { code, out } = await run([...command.split(' '), '--help'])
  expect(code).toBe(0)
  expect(out).toMatch(/Examples:\n {2}(sudo )?(\w+=\w+ )?omada-host /)
  expect(out).toContain('--config <file>')
})

test.each([
  [['stats'], "unknown command 'stats' (Did you mean status?)"],
  [['config', 'chek'], "unknown command 'chek' (Did you mean check?)"],
  [['status', '--jsn'], "unknown option '--jsn' (Did you mean --json?)"],
  [['status', 'now'], "too many arguments for 'status'. Expected 0 arguments but got 1"],
  [['--config'], "option '--config <file>' argument missing"],
  [['logs', '--tail', '-5'], '--tail is "-5"; accepted: a whole number from 0 to 100000'],
  [['logs', '--tail', '100001'], '--tail is "100001"'],
  [['probe'], 'probe is started by omada-host itself'],
  [['probe', 'mongodb://x'], "too many arguments for 'probe'. Expected 0 arguments but got 1"],
])('%j is wrong usage', async (argv, message) => {
  const { code, out, err } = await run(argv)
  expect({ code, out }).toEqual({ code: 2, out: '' })
  expect(err).toContain(`error [USAGE] ${message}`)
  expect(err).toMatch(/^ {2}fix: .{10,}$/m)
})

test.each(['0:0', '0:5', '5:0', 'nobody', '5'])('an edge becomes no user %s', async (user) => {
  expect(await run(['edge', '--user', user])).toMatchObject({
    code: 2,
    err: expect.stringContaining('error [USAGE] --user wants numbers'),
  })
})

test.each([[[]], [['config']]])('%j without a command shows the help and is wrong usage', async (argv) => {
  const { code, out, err } = await run(argv)
  expect({ code, out }).toEqual({ code: 2, out: '' })
  expect(err).toContain('Commands:')
})

test('version tells the version and that of Node.js', async () => {
  expect(await run(['version'])).toEqual({
    code: 0,
    out: `omada-host 0.1.0 (Node.js ${process.versions.node})\n`,
    err: '',
  })
})
