import { appendFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { isFull } from './data.ts'

/** The log as the image writes it: the entrypoint's plain lines on stdout, the server's also into logs/server.log. */
export interface Log {
  /** A line of the entrypoint, as it is. */
  entrypoint(line: string): void
  /** A line of the server: `11-23-2026 16:40:59.123 INFO [main] [] c.t.s.o.s.OmadaBootstrap(): text`. */
  server(level: 'INFO' | 'WARN' | 'ERROR', source: string, text: string, thread?: string): void
  /** What the operator sees in the UI's startup window; the real server logs these as errors, misleadingly. */
  facade(text: string): void
  /** A line of no log of the real image, such as STANDIN_PORTS. Written even when the log is silent. */
  own(line: string): void
  /** Writes no more server lines (after an OutOfMemoryError). */
  silence(): void
}

/** Shapes of the lines: public logs in the threads #371, #599 and #764 of the image's repository. */
export function createLog(o: { directory: string; show: boolean; write: (line: string) => void }): Log {
  mkdirSync(o.directory, { recursive: true })
  const file = join(o.directory, 'server.log')
  let silent = false
  const log: Log = {
    entrypoint: (line) => o.write(line),
    server(level, source, text, thread = 'main') {
      if (silent) return
      const line = `${stamp(new Date())} ${level} [${thread}] [] ${source}(): ${text}`
      try {
        appendFileSync(file, `${line}\n`)
      } catch (error) {
        if (!isFull(error)) throw error
      }
      if (o.show) o.write(line)
    },
    facade: (text) => log.server('ERROR', 'c.t.s.f.c.FacadeUtils', `facadeMsgEnable is not enable, msg: ${text}`),
    own: (line) => o.write(line),
    silence() {
      silent = true
    },
  }
  return log
}

function stamp(now: Date): string {
  const two = (value: number) => String(value).padStart(2, '0')
  const date = `${two(now.getMonth() + 1)}-${two(now.getDate())}-${now.getFullYear()}`
  const time = [now.getHours(), now.getMinutes(), now.getSeconds()].map(two).join(':')
  return `${date} ${time}.${String(now.getMilliseconds()).padStart(3, '0')}`
}
