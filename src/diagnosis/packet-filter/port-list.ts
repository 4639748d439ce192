import type { PortKey } from '../../config/appliance-ports.ts'

/** Names a port, for a look-up. */
export function keyOf({ protocol, port }: PortKey): string {
  return `${protocol}/${port}`
}

/** `UDP 27001, 29810 and TCP 29811-29817` */
export function portList(ports: readonly PortKey[]): string {
  return (['udp', 'tcp'] as const)
    .map((protocol) => ({ protocol, ranges: rangesOf(ports, protocol, '-') }))
    .filter(({ ranges }) => ranges.length > 0)
    .map(({ protocol, ranges }) => `${protocol.toUpperCase()} ${ranges.join(', ')}`)
    .join(' and ')
}

/** The ports of one protocol in order, neighbours as a range with this sign. */
export function rangesOf(ports: readonly PortKey[], protocol: PortKey['protocol'], sign: '-' | ':'): string[] {
  const numbers = ports.filter((port) => port.protocol === protocol).map(({ port }) => port)
  const ranges: [number, number][] = []
  for (const number of [...new Set(numbers)].sort((a, b) => a - b)) {
    const last = ranges.at(-1)
    if (last !== undefined && last[1] === number - 1) last[1] = number
    else ranges.push([number, number])
  }
  return ranges.map(([first, last]) => (first === last ? `${first}` : `${first}${sign}${last}`))
}
