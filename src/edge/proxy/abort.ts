import type { Socket } from 'node:net'

/**
 * Closes a socket at once: by RST, so that the peer cannot take a stream that was cut for one that ended. While a
 * shutdown is on its way libuv refuses a reset (`uv_tcp_close_reset`, EINVAL) and Node would keep the file open: such a
 * socket, and one that is not connected yet, is just closed.
 */
export function abort(socket: Socket): void {
  if (socket.destroyed) return
  if (socket.connecting || isFinishing(socket)) socket.destroy()
  else socket.resetAndDestroy()
}

/** True while the last bytes and the FIN of an ended socket are on their way. */
export function isFinishing(socket: Socket): boolean {
  return socket.writableEnded && !socket.writableFinished
}
