import type { Socket } from 'node:net'

/** Where bytes are counted as they pass; in is from the client to the controller. */
interface Meter {
  bytesIn: number
  bytesOut: number
}

/**
 * Moves bytes both ways until both sides are done. Takes both sockets over, made with `allowHalfOpen`, and sees to it
 * that both get closed: an end on one side becomes an end on the other, a reset a reset, and when no byte passed in
 * either direction for `idleMilliseconds` both are reset. Each direction holds no more than the two streams' own
 * buffers: a reader that is slower than the writer stops it.
 */
export function pump(client: Socket, upstream: Socket, options: { idleMilliseconds: number; meter: Meter }): void {
  const { idleMilliseconds, meter } = options
  relay(client, upstream, (bytes) => {
    meter.bytesIn += bytes
  })
  relay(upstream, client, (bytes) => {
    meter.bytesOut += bytes
  })
  const expire = () => {
    abort(client)
    abort(upstream)
  }
  // Every byte is read on one leg and written on the other, so that both legs' timers see both directions.
  client.setTimeout(idleMilliseconds, expire)
  upstream.setTimeout(idleMilliseconds, expire)
  client.resume()
  upstream.resume()
}

function relay(from: Socket, to: Socket, count: (bytes: number) => void): void {
  from.on('data', (chunk: Buffer) => {
    if (to.destroyed) return
    count(chunk.length)
    if (!to.write(chunk)) from.pause()
  })
  to.on('drain', () => from.resume())
  from.once('end', () => to.end())
  from.once('close', () => {
    const wasWhole = from.readableEnded && from.writableFinished
    if (!wasWhole) cut(to)
  })
}

/**
 * Passes a failure on. A side that was already told the end is to get everything that the failed one sent before, else a
 * whole stream would arrive short. A reset would take back what the kernel has not delivered yet, so it is closed
 * instead; the kernel resets it by itself when it sends more. What it has sent is read first, since the kernel also
 * resets a socket that is closed with something unread.
 */
function cut(socket: Socket): void {
  if (!socket.writableEnded) {
    abort(socket)
    return
  }
  socket.resume()
  if (socket.writableFinished) socket.destroy()
  else socket.once('finish', () => socket.destroy())
}

/**
 * Closes a socket at once: by RST, so that the peer cannot take a stream that was cut for one that ended. While the last
 * bytes and the FIN are on their way libuv refuses a reset (`uv_tcp_close_reset`, EINVAL) and Node would keep the file
 * open: such a socket, and one that is not connected yet, is just closed.
 */
export function abort(socket: Socket): void {
  if (socket.destroyed) return
  const finishing = socket.writableEnded && !socket.writableFinished
  if (socket.connecting || finishing) socket.destroy()
  else socket.resetAndDestroy()
}
