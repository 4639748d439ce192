import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { setTimeout as delay } from 'node:timers/promises'
import { type TLSSocket, connect as tlsConnect } from 'node:tls'
import { systemCode } from '../../../src/core/errors.ts'

export interface HttpAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
  /** From the start of the connection to the end of the body. */
  readonly milliseconds: number
}

export interface DatagramAnswer {
  readonly address: string
  readonly port: number
  readonly base64: string
}

const held = new Map<number, TLSSocket>()
/** By source address, kept from call to call: the same sender again has the same port. */
const senders = new Map<string, Socket>()

/** What an outpost can be asked to do from inside its namespace. Everything here ends by itself within its deadline. */
export const outpostCalls = {
  /** One HTTP(S) request over a connection of its own; any certificate is accepted. */
  async http(o: { url: string; method?: string; body?: string; deadlineMilliseconds?: number }): Promise<HttpAnswer> {
    const { url, method = 'GET', body, deadlineMilliseconds = 10_000 } = o
    const started = performance.now()
    const request = (url.startsWith('https:') ? httpsRequest : httpRequest)(url, {
      method,
      agent: false,
      rejectUnauthorized: false,
      signal: AbortSignal.timeout(deadlineMilliseconds),
      headers: body === undefined ? {} : { 'content-type': 'application/json' },
    })
    request.end(body)
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    let text = ''
    for await (const part of response) text += String(part)
    return {
      status: response.statusCode ?? 0,
      headers: response.headers,
      body: text,
      milliseconds: performance.now() - started,
    }
  },

  /**
   * Opens TLS and keeps it open until `release`.
   * @returns `secured` and a handle, or the system's error code such as ECONNRESET, ECONNREFUSED, ETIMEDOUT
   */
  async hold(o: {
    address: string
    port: number
    deadlineMilliseconds?: number
  }): Promise<{ result: string; handle: number }> {
    const socket = tlsConnect({ host: o.address, port: o.port, rejectUnauthorized: false })
    const handle = held.size
    held.set(handle, socket)
    socket.on('error', () => {})
    try {
      await once(socket, 'secureConnect', { signal: AbortSignal.timeout(o.deadlineMilliseconds ?? 10_000) })
      return { result: 'secured', handle }
    } catch (error) {
      socket.destroy()
      return { result: systemCode(error) ?? String(error), handle }
    }
  },

  async isHeld(o: { handle: number }): Promise<boolean> {
    const socket = held.get(o.handle)
    return socket !== undefined && !socket.destroyed && socket.readyState === 'open'
  },

  async release(o: { handle: number }): Promise<void> {
    held.get(o.handle)?.destroy()
  },

  /** Sends one datagram and returns every answer that came until `answers` of them or the deadline. */
  async ask(o: {
    to: readonly string[]
    port: number
    base64: string
    answers: number
    deadlineMilliseconds: number
    sourcePort?: number
  }): Promise<DatagramAnswer[]> {
    const socket = createSocket({ type: 'udp4', reuseAddr: true })
    const answers: DatagramAnswer[] = []
    try {
      socket.bind(o.sourcePort ?? 0)
      await once(socket, 'listening')
      socket.setBroadcast(true)
      const enough = new Promise<void>((resolve) => {
        socket.on('message', (message, peer) => {
          answers.push({ address: peer.address, port: peer.port, base64: message.toString('base64') })
          if (answers.length >= o.answers) resolve()
        })
      })
      for (const address of o.to) socket.send(Buffer.from(o.base64, 'base64'), o.port, address)
      await Promise.race([enough, delay(o.deadlineMilliseconds)])
      return answers
    } finally {
      socket.close()
    }
  },

  /**
   * Asks one question after the other and takes the time of each answer.
   * @returns milliseconds; infinite for one that did not come within a second
   */
  async roundTrips(o: { to: string; port: number; count: number; pauseMilliseconds: number }): Promise<number[]> {
    const socket = createSocket('udp4')
    const times: number[] = []
    try {
      socket.bind(0)
      await once(socket, 'listening')
      while (times.length < o.count) {
        const started = performance.now()
        const answered = once(socket, 'message', { signal: AbortSignal.timeout(1000) }).then(
          () => performance.now() - started,
          () => Number.POSITIVE_INFINITY,
        )
        // No two alike: the relay drops what it has just seen.
        socket.send(Buffer.from(`question ${times.length}`), o.port, o.to)
        times.push(await answered)
        await delay(o.pauseMilliseconds)
      }
      return times
    } finally {
      socket.close()
    }
  },

  /** So many clients that ask for a page again as soon as they have it. Returns how many pages they got. */
  async readInLoops(o: { url: string; clients: number; milliseconds: number }): Promise<number> {
    const end = performance.now() + o.milliseconds
    let pages = 0
    const reader = async () => {
      while (performance.now() < end) {
        await fetch(o.url).then((answer) => answer.arrayBuffer())
        pages += 1
      }
    }
    await Promise.all(Array.from({ length: o.clients }, reader))
    return pages
  },

  /**
   * Sends datagrams, in order, from sockets bound to their source addresses, at most `perSecond` over all.
   * @returns how many the kernel took
   */
  async send(o: {
    datagrams: readonly { readonly from: string; readonly to: string; readonly port: number; readonly base64: string }[]
    perSecond: number
  }): Promise<number> {
    const batch = Math.max(1, Math.round(o.perSecond / 100))
    let sent = 0
    for (const [index, { from, to, port, base64 }] of o.datagrams.entries()) {
      const socket = await senderFrom(from)
      await new Promise<void>((resolve) =>
        socket.send(Buffer.from(base64, 'base64'), port, to, (error) => {
          if (error === null) sent += 1
          resolve()
        }),
      )
      if (index % batch === batch - 1) await delay(10)
    }
    return sent
  },
}

async function senderFrom(address: string): Promise<Socket> {
  const known = senders.get(address)
  if (known !== undefined) return known
  const socket = createSocket('udp4')
  senders.set(address, socket)
  socket.on('error', () => {})
  socket.bind(0, address)
  await once(socket, 'listening')
  socket.setBroadcast(true)
  return socket
}

export type OutpostCalls = typeof outpostCalls
