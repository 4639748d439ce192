import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { networkInterfaces } from 'node:os'

/**
 * A UDP socket on the device's own address and a free port, allowed to broadcast. Bound to an address, a broadcast
 * leaves by that address's interface even where there is no default route. Resolves when bound.
 */
export async function openUdp(address: string, receive: (datagram: Buffer, from: RemoteInfo) => void): Promise<Socket> {
  const socket = createSocket('udp4')
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject)
    socket.bind(0, address, () => {
      socket.removeListener('error', reject)
      resolve()
    })
  })
  socket.setBroadcast(true)
  socket.on('error', () => undefined)
  socket.on('message', receive)
  return socket
}

/** Resolves with the reason when the datagram could not be sent, else with undefined. */
export function sendTo(socket: Socket, datagram: Buffer, address: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => socket.send(datagram, port, address, (error) => resolve(error?.message)))
}

/**
 * Where to send broadcasts from an address: 255.255.255.255, its subnet's broadcast address, or both.
 * @throws Error when the subnet is asked for and the address is on no interface
 */
export function broadcastAddresses(kind: 'limited' | 'subnet' | 'both', address: string): string[] {
  const limited = kind === 'subnet' ? [] : ['255.255.255.255']
  return kind === 'limited' ? limited : [...limited, subnetBroadcast(address)]
}

function subnetBroadcast(address: string): string {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  const own = all.find((known) => known.family === 'IPv4' && known.address === address)
  if (own === undefined) throw new Error(`${address} is no address of this machine`)
  const mask = own.netmask.split('.').map(Number)
  return address
    .split('.')
    .map((octet, index) => Number(octet) | (~(mask[index] ?? 255) & 255))
    .join('.')
}
