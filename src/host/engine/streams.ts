import { addAbortSignal, Readable } from 'node:stream'
import { parseObject, plainText } from '../../core/text.ts'
import type { EngineEvent } from './engine.ts'

/** A line longer than this is cut; the rest of it is dropped. */
const maxLineBytes = 8192

/** Splits bytes into lines of bounded length. Memory use is bounded whatever comes in. */
export class LineSplitter {
  #parts: Buffer[] = []
  #length = 0

  /** The lines that `chunk` completes. */
  push(chunk: Buffer): string[] {
    const lines: string[] = []
    let from = 0
    for (let end = chunk.indexOf(10, from); end >= 0; end = chunk.indexOf(10, from)) {
      this.#keep(chunk.subarray(from, end))
      lines.push(this.#take())
      from = end + 1
    }
    this.#keep(chunk.subarray(from))
    return lines
  }

  /** The unfinished last line, if there is one. */
  flush(): string[] {
    return this.#length === 0 ? [] : [this.#take()]
  }

  #keep(bytes: Buffer): void {
    const room = maxLineBytes - this.#length
    if (room <= 0 || bytes.length === 0) return
    const kept = Buffer.from(bytes.subarray(0, room))
    this.#parts.push(kept)
    this.#length += kept.length
  }

  #take(): string {
    const line = Buffer.concat(this.#parts).toString('utf8')
    this.#parts = []
    this.#length = 0
    return plainText(line, maxLineBytes)
  }
}

/** The lines of a streamed answer. */
export async function* linesOf(stream: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const splitter = new LineSplitter()
  for await (const chunk of stream) yield* splitter.push(chunk)
  yield* splitter.flush()
}

/** The chunks of an engine's streamed answer. Aborting the signal rejects; leaving the loop closes the connection. */
export async function* chunksOf(stream: NodeJS.ReadableStream, signal: AbortSignal): AsyncGenerator<Buffer> {
  if (!(stream instanceof Readable)) throw new TypeError('the engine answered without a stream')
  yield* addAbortSignal(signal, stream)
}

/**
 * Lines of a container's log stream. Without a terminal the engines multiplex stdout and stderr in frames: one byte
 * stream number (0 to 2), three zero bytes, a 32-bit big-endian length, the payload (Docker Engine API, ContainerAttach).
 */
export async function* demultiplex(stream: AsyncIterable<Buffer> | Iterable<Buffer>): AsyncGenerator<string> {
  const splitters = new Map<number, LineSplitter>()
  const header = Buffer.alloc(8)
  let headerLength = 0
  let remaining = 0
  for await (const chunk of stream) {
    let at = 0
    while (at < chunk.length) {
      if (remaining === 0) {
        const take = Math.min(8 - headerLength, chunk.length - at)
        chunk.copy(header, headerLength, at, at + take)
        headerLength += take
        at += take
        if (headerLength < 8) continue
        headerLength = 0
        remaining = header.readUInt32BE(4)
        continue
      }
      const payload = chunk.subarray(at, at + remaining)
      at += payload.length
      remaining -= payload.length
      const source = header.readUInt8(0)
      const splitter = splitters.get(source) ?? new LineSplitter()
      splitters.set(source, splitter)
      yield* splitter.push(payload)
    }
  }
  for (const splitter of splitters.values()) yield* splitter.flush()
}

interface RawEvent {
  readonly Type?: unknown
  readonly Action?: unknown
  readonly status?: unknown
  readonly Actor?: { readonly Attributes?: { readonly name?: unknown } }
}

/** The events of `GET /events`: one JSON object a line. What does not parse is skipped. */
export async function* eventsOf(stream: AsyncIterable<Buffer>): AsyncGenerator<EngineEvent> {
  const text = (value: unknown) => (typeof value === 'string' ? plainText(value, 128) : '')
  for await (const line of linesOf(stream)) {
    const raw = parseObject(line) as RawEvent | undefined
    if (raw === undefined) continue
    yield { type: text(raw.Type), action: text(raw.Action ?? raw.status), name: text(raw.Actor?.Attributes?.name) }
  }
}
