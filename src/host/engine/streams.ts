import { Readable } from 'node:stream'
import { plainText } from '../../core/text.ts'
import type { EngineEvent } from './engine.ts'
import { LineSplitter } from './lines.ts'

/**
 * The chunks of an engine's streamed answer. Aborting the signal rejects with its reason; leaving the loop closes the
 * connection.
 */
export async function* chunksOf(stream: NodeJS.ReadableStream, signal: AbortSignal): AsyncGenerator<Buffer> {
  if (!(stream instanceof Readable)) throw new TypeError('the engine answered without a stream')
  const onAbort = () => stream.destroy()
  if (signal.aborted) onAbort()
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    for await (const chunk of stream) yield Buffer.from(chunk as Buffer)
  } catch (error) {
    signal.throwIfAborted()
    throw error
  } finally {
    signal.removeEventListener('abort', onAbort)
    stream.destroy()
  }
}

interface RawEvent {
  readonly Type?: unknown
  readonly Action?: unknown
  readonly status?: unknown
  readonly Actor?: { readonly Attributes?: { readonly name?: unknown } }
}

/** The events of `GET /events`: one JSON object a line. What does not parse is skipped. */
export async function* eventsOf(stream: AsyncIterable<Buffer>): AsyncGenerator<EngineEvent> {
  const splitter = new LineSplitter()
  for await (const chunk of stream) {
    for (const line of splitter.push(chunk)) {
      const event = parseEvent(line)
      if (event !== undefined) yield event
    }
  }
}

function parseEvent(line: string): EngineEvent | undefined {
  try {
    const raw = JSON.parse(line) as RawEvent
    const text = (value: unknown) => (typeof value === 'string' ? plainText(value, 128) : '')
    return { type: text(raw.Type), action: text(raw.Action ?? raw.status), name: text(raw.Actor?.Attributes?.name) }
  } catch {
    return undefined
  }
}
