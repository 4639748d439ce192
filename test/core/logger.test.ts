import { expect, test } from 'vitest'
import { createAdjustableLogger, createLogger, formatLine, type LogFormat } from '../../src/core/logger.ts'

function logged(format: LogFormat, write: (logger: ReturnType<typeof createLogger>) => void): string[] {
  const lines: string[] = []
  write(createLogger({ level: 'debug', format, write: (line) => lines.push(line), component: 'edge' }))
  return lines
}

test('for people: time, level, component, text, fields', () => {
  const [line] = logged('human', (logger) => logger.info({ port: 8043, peer: 'a b' }, 'listening'))
  expect(line).toMatch(/^\d\d:\d\d:\d\d\.\d{3} INFO {2}edge: listening port=8043 peer=a b\n$/)
})

test.each([
  ['error', '<3>'],
  ['warn', '<4>'],
  ['info', '<6>'],
  ['debug', '<7>'],
] as const)('for the journal: %s is %s', (level, priority) => {
  expect(logged('journal', (logger) => logger[level]('text'))).toEqual([`${priority}edge: text\n`])
})

test('for machines: one JSON object a line', () => {
  const [line = ''] = logged('json', (logger) => logger.warn({ code: 'X' }, 'text'))
  expect(JSON.parse(line)).toMatchObject({ level: 40, component: 'edge', code: 'X', msg: 'text' })
})

test('an error shows its message, and no text makes a second line', () => {
  const [line = ''] = logged('journal', (logger) =>
    logger.error({ err: new Error('first\nse\rcond\u001b[2J') }, 'failed\nbadly'),
  )
  expect(line).toBe('<3>edge: failed | badly (first | se cond)\n')
})

test('a child has its own component', () => {
  const lines = logged('journal', (logger) => logger.child({ component: 'proxy' }).info('text'))
  expect(lines).toEqual(['<6>proxy: text\n'])
})

test('what is below the level is not written', () => {
  expect(logged('human', (logger) => logger.trace('text'))).toEqual([])
})

test('a line without component or text is still a line', () => {
  expect(formatLine(JSON.stringify({ level: 30, time: 0, a: 1 }), 'human')).toBe('00:00:00.000 INFO   a=1\n')
})

test('a changed level holds for the logger and every child made of it', () => {
  const lines: string[] = []
  const { logger, setLevel } = createAdjustableLogger({
    level: 'info',
    format: 'human',
    write: (line) => lines.push(line),
  })
  const child = logger.child({ component: 'a' }).child({ component: 'b' })
  child.debug('before')
  setLevel('debug')
  child.debug('after')
  logger.child({}).debug('later')
  setLevel('error')
  child.warn('quiet')
  expect(lines.map((line) => line.trim().split(' ').at(-1))).toEqual(['after', 'later'])
})
