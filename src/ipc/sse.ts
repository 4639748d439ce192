import type { ServerResponse } from 'node:http'

interface Subscriber {
  readonly response: ServerResponse
  readonly source: string
  /** The last frame that was handed to the socket. */
  sent: string
  /** Its buffer has been full since before the last heartbeat. */
  stalled: boolean
}

/** Periods of an event stream, in milliseconds; a test shortens them. */
export interface EventStreamTiming {
  /** Least time between two events. */
  readonly coalesceMilliseconds: number
  readonly heartbeatMilliseconds: number
}

export const defaultTiming: EventStreamTiming = { coalesceMilliseconds: 250, heartbeatMilliseconds: 15_000 }

/** What an event stream sends, and to how many. */
export interface EventStreamOptions {
  /** The events' name. */
  readonly event: string
  /** The state as JSON (one line). An event that equals the last one is not sent again. */
  readonly render: () => string
  /** Tells apart events that look the same, where the state stands for more than itself. */
  readonly id?: () => string
  readonly timing: EventStreamTiming
  /** 64 when absent. */
  readonly maxSubscribers?: number
  /** As many as there may be at all when absent. */
  readonly maxPerSource?: number
}

/**
 * Sends one kind of server-sent event to a bounded number of subscribers: the whole state on connect and again when it
 * changed. Because every event is whole, a subscriber that reads slowly skips to the newest one: at most one event is
 * buffered for it, and it is dropped when it has not read that over a whole heartbeat.
 * Format: https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export class EventStream {
  readonly #options: EventStreamOptions
  readonly #subscribers = new Set<Subscriber>()
  #frame: string | undefined
  #changedWhileWaiting = false
  #coalescing: NodeJS.Timeout | undefined
  #heartbeat: NodeJS.Timeout | undefined

  constructor(options: EventStreamOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#subscribers.size
  }

  /** False when there are too many subscribers, over all or from this source. */
  hasRoom(source: string): boolean {
    const { maxSubscribers = 64, maxPerSource = maxSubscribers } = this.#options
    const ofSource = [...this.#subscribers].filter((subscriber) => subscriber.source === source).length
    return this.#subscribers.size < maxSubscribers && ofSource < maxPerSource
  }

  /** Answers with the stream, which this object owns from now on. Call `hasRoom` first. */
  add(response: ServerResponse, source: string, headers: Record<string, string> = {}): void {
    const subscriber: Subscriber = { response, source, sent: '', stalled: false }
    response.on('error', () => this.#remove(subscriber))
    response.on('close', () => this.#remove(subscriber))
    response.on('drain', () => {
      subscriber.stalled = false
      this.#send(subscriber)
    })
    response.writeHead(200, {
      ...headers,
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    })
    this.#subscribers.add(subscriber)
    this.#heartbeat ??= setInterval(() => this.#beat(), this.#options.timing.heartbeatMilliseconds)
    this.#send(subscriber)
  }

  /** The state changed: tells everybody now, or as soon as the last telling is old enough. */
  notify(): void {
    if (this.#coalescing !== undefined) {
      this.#changedWhileWaiting = true
      return
    }
    this.#frame = undefined
    if (this.#subscribers.size === 0) return
    this.#coalescing = setTimeout(() => {
      this.#coalescing = undefined
      if (!this.#changedWhileWaiting) return
      this.#changedWhileWaiting = false
      this.notify()
    }, this.#options.timing.coalesceMilliseconds)
    for (const subscriber of this.#subscribers) this.#send(subscriber)
  }

  /** Ends every stream. */
  close(): void {
    clearTimeout(this.#coalescing)
    this.#coalescing = undefined
    for (const { response } of this.#subscribers) response.end()
    this.#subscribers.clear()
    this.#rest()
  }

  #send(subscriber: Subscriber): void {
    // Until it has drained.
    if (subscriber.response.writableNeedDrain) return
    this.#frame ??= this.#compose()
    if (subscriber.sent === this.#frame) return
    subscriber.sent = this.#frame
    subscriber.response.write(this.#frame)
  }

  #compose(): string {
    const { event, render, id } = this.#options
    return `${id === undefined ? '' : `id: ${id()}\n`}event: ${event}\ndata: ${render()}\n\n`
  }

  #beat(): void {
    for (const subscriber of this.#subscribers) {
      const { response } = subscriber
      // Its end removes it.
      if (subscriber.stalled) response.destroy()
      else if (response.writableNeedDrain) subscriber.stalled = true
      else response.write(':\n\n')
    }
  }

  #remove(subscriber: Subscriber): void {
    this.#subscribers.delete(subscriber)
    if (this.#subscribers.size === 0) this.#rest()
  }

  #rest(): void {
    clearInterval(this.#heartbeat)
    this.#heartbeat = undefined
    this.#frame = undefined
  }
}
