import { type Logger as PinoLogger, pino } from 'pino'
import { plainText } from './text.ts'

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent'
export type Logger = PinoLogger

/** How lines look: `json` for machines, `human` for a terminal, `journal` for systemd (a priority prefix, no time). */
export type LogFormat = 'json' | 'human' | 'journal'

interface Line {
  level: number
  time: number
  msg?: string
  component?: string
  err?: { message?: string; stack?: string; code?: string }
  [field: string]: unknown
}

const noise = new Set(['level', 'time', 'msg', 'component', 'err', 'pid', 'hostname'])

/** sd-daemon(3): `<3>` error, `<4>` warning, `<6>` info, `<7>` debug. */
function journalPriority(level: number): string {
  if (level >= 50) return '<3>'
  if (level >= 40) return '<4>'
  return level >= 30 ? '<6>' : '<7>'
}

const levelNames: Record<number, string> = { 10: 'TRACE', 20: 'DEBUG', 30: 'INFO ', 40: 'WARN ', 50: 'ERROR' }

/** One log line as text for people, with a newline at the end. */
export function formatLine(json: string, format: 'human' | 'journal'): string {
  const line = JSON.parse(json) as Line
  const fields = Object.entries(line)
    .filter(([key]) => !noise.has(key))
    .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
  const error = line.err?.message === undefined ? [] : [`(${line.err.message})`]
  const component = line.component === undefined ? [] : [`${line.component}:`]
  const text = plainText([...component, line.msg ?? '', ...error, ...fields].join(' ').replaceAll('\n', ' | '))
  if (format === 'journal') return `${journalPriority(line.level)}${text}\n`
  const time = new Date(line.time).toISOString().slice(11, 23)
  return `${time} ${levelNames[line.level] ?? '     '} ${text}\n`
}

export interface LoggerOptions {
  readonly level: LogLevel
  readonly format: LogFormat
  readonly write: (line: string) => void
  readonly component?: string
}

/** The process's root logger. Writes synchronously to `write` (one line a call); no worker threads. */
export function createLogger(options: LoggerOptions): Logger {
  return createAdjustableLogger(options).logger
}

/** A logger whose level can be changed, with that of all its children, which are meant to be as few as components. */
export interface AdjustableLogger {
  readonly logger: Logger
  readonly setLevel: (level: LogLevel) => void
}

/** Like `createLogger`, with a level that can be changed later. */
export function createAdjustableLogger(options: LoggerOptions): AdjustableLogger {
  const { format, write } = options
  const stream = { write: (line: string) => write(format === 'json' ? line : formatLine(line, format)) }
  const family: { level: string }[] = []
  const logger = pino(
    {
      level: options.level,
      base: options.component === undefined ? null : { component: options.component },
      onChild: (child) => void family.push(child),
    },
    stream,
  )
  family.push(logger)
  return {
    logger,
    setLevel: (level) => {
      for (const member of family) member.level = level
    },
  }
}
