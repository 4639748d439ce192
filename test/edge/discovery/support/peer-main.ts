import { createSocket } from 'node:dgram'
import type { PeerOrder } from './namespace-peer.ts'

// A UDP socket inside a network namespace, worked from outside over IPC. Arguments: address and port to bind. Ends with
// its parent.

const [address = '0.0.0.0', port = '0'] = process.argv.slice(2)
let reply: Buffer | undefined
const socket = createSocket('udp4')
socket.on('error', (error) => process.send?.({ error: error.message }))
socket.on('message', (payload, sender) => {
  process.send?.({ received: { base64: payload.toString('base64'), address: sender.address, port: sender.port } })
  if (reply !== undefined) socket.send(reply, sender.port, sender.address)
})
process.on('message', (order: PeerOrder) => {
  if (order.reply !== undefined) reply = order.reply === null ? undefined : Buffer.from(order.reply, 'base64')
  if (order.send === undefined) process.send?.({ done: order.id })
  else {
    const { base64, port: to, address: at } = order.send
    socket.send(Buffer.from(base64, 'base64'), to, at, (error) =>
      process.send?.({ done: order.id, ...(error === null ? {} : { error: error.message }) }),
    )
  }
})
process.once('disconnect', () => process.exit())
socket.bind(Number(port), address, () => {
  socket.setBroadcast(true)
  process.send?.({ ready: true })
})
