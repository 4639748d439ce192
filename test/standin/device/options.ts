import { isIPv4 } from 'node:net'
import { parseArgs } from 'node:util'
import { ownAddress } from '../controller/settings.ts'
import type { DeviceClass } from '../protocol/announce.ts'
import { factoryControllerId } from '../protocol/messages.ts'
import { type AppOptions, SimulatedApp } from './app.ts'
import { SimulatedDevice } from './device.ts'
import type { EventSink } from './events.ts'
import { broadcastAddresses } from './udp.ts'

export const usage = `usage: scripts/node test/standin/device/main.ts [--class ap|switch|gateway|app] [--mac AA-BB-CC-00-00-01]
  [--model M] [--name N] [--count N] [--address A] [--inform A] [--broadcast limited|subnet|both]
  [--announce-seconds 10] [--inform-seconds 10] [--clock-skew S] [--follow-named-address]
  [--port 29810] [--web-port 8043] [--password admin] [--controller-id ID] [--seconds S]
  [--move-seconds 3600] [--silent-seconds 3600]

Prints one JSON line for each thing that happens; test/standin/README.md lists them.
`

const standard = {
  ap: { model: 'EAP670', name: 'stand-in-ap' },
  switch: { model: 'SG2008P', name: 'stand-in-switch' },
  gateway: { model: 'ER605', name: 'stand-in-gateway' },
} as const satisfies Record<DeviceClass, { model: string; name: string }>

export interface Simulation {
  readonly parts: readonly { start(): Promise<void>; stop(): Promise<void> | void }[]
  /** When to end by itself. */
  readonly seconds?: number
}

/**
 * What the command line asks for, not started yet; undefined for --help.
 * @throws Error that names the option and its value
 */
export function parseSimulation(args: string[], onEvent: EventSink): Simulation | undefined {
  const { values } = parseArgs({
    args,
    options: {
      class: { type: 'string', default: 'ap' },
      mac: { type: 'string', default: 'AA-BB-CC-00-00-01' },
      model: { type: 'string' },
      name: { type: 'string' },
      count: { type: 'string', default: '1' },
      address: { type: 'string', default: ownAddress() },
      inform: { type: 'string' },
      broadcast: { type: 'string', default: 'limited' },
      'announce-seconds': { type: 'string', default: '10' },
      'inform-seconds': { type: 'string', default: '10' },
      'clock-skew': { type: 'string', default: '0' },
      'follow-named-address': { type: 'boolean', default: false },
      port: { type: 'string' },
      'web-port': { type: 'string', default: '8043' },
      'controller-id': { type: 'string', default: factoryControllerId },
      'move-seconds': { type: 'string', default: '3600' },
      'silent-seconds': { type: 'string', default: '3600' },
      password: { type: 'string', default: 'admin' },
      seconds: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return undefined
  const kind = oneOf('--class', values.class, ['ap', 'switch', 'gateway', 'app'])
  const address = ipv4('--address', values.address)
  const broadcast = oneOf('--broadcast', values.broadcast, ['limited', 'subnet', 'both'])
  const targets =
    values.inform === undefined ? broadcastAddresses(broadcast, address) : [ipv4('--inform', values.inform)]
  const announceMilliseconds = number('--announce-seconds', values['announce-seconds'], 0.05, 86400) * 1000
  const port = number('--port', values.port ?? (kind === 'app' ? '27001' : '29810'), 1, 65535)
  const ending = values.seconds === undefined ? {} : { seconds: number('--seconds', values.seconds, 0, 30 * 86400) }
  if (kind === 'app') {
    const options: AppOptions = { address, askAt: targets, port, periodMilliseconds: announceMilliseconds, onEvent }
    return { parts: [new SimulatedApp(options)], ...ending }
  }
  const count = number('--count', values.count, 1, 10_000)
  const name = values.name ?? standard[kind].name
  const shared = {
    class: kind,
    model: values.model ?? standard[kind].model,
    address,
    announceTo: targets,
    port,
    webPort: number('--web-port', values['web-port'], 1, 65535),
    announceMilliseconds,
    informMilliseconds: number('--inform-seconds', values['inform-seconds'], 0.05, 86400) * 1000,
    clockSkewSeconds: number('--clock-skew', values['clock-skew'], -1e9, 1e9),
    followNamedAddress: values['follow-named-address'],
    password: values.password,
    controllerId: values['controller-id'],
    retryMilliseconds: 1000,
    moveMilliseconds: number('--move-seconds', values['move-seconds'], 0, 86400) * 1000,
    silentMilliseconds: number('--silent-seconds', values['silent-seconds'], 0.05, 86400) * 1000,
    onEvent,
  }
  const parts = Array.from({ length: count }, (_, index) => {
    const own = { mac: macAfter(values.mac, index), name: index === 0 ? name : `${name}-${index + 1}` }
    return new SimulatedDevice({ ...shared, ...own, delayMilliseconds: (announceMilliseconds / count) * index })
  })
  return { parts, ...ending }
}

function macAfter(mac: string, steps: number): string {
  const plain = mac.replace(/[-:]/g, '')
  if (!/^[0-9a-fA-F]{12}$/.test(plain)) throw new Error(`--mac ${mac} is not AA-BB-CC-DD-EE-FF`)
  const next = ((BigInt(`0x${plain}`) + BigInt(steps)) % 2n ** 48n).toString(16).padStart(12, '0').toUpperCase()
  return next.replace(/..(?=.)/g, '$&-')
}

function number(option: string, text: string, min: number, max: number): number {
  const value = Number(text)
  if (text.trim() === '' || !(value >= min && value <= max)) {
    throw new Error(`${option} ${text} is not a number from ${min} to ${max}`)
  }
  return value
}

function ipv4(option: string, text: string): string {
  if (!isIPv4(text)) throw new Error(`${option} ${text} is not an IPv4 address`)
  return text
}

function oneOf<T extends string>(option: string, text: string, choices: readonly T[]): T {
  const choice = choices.find((known) => known === text)
  if (choice === undefined) throw new Error(`${option} ${text} is none of ${choices.join(', ')}`)
  return choice
}
