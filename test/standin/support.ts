import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { type OpenPorts, StandinController } from './controller/controller.ts'
import type { DeviceRecord } from './controller/registry.ts'
import { type DeviceOptions, SimulatedDevice } from './device/device.ts'
import type { DeviceEvent, EventName } from './device/events.ts'
import { factoryControllerId } from './protocol/messages.ts'

const here = dirname(fileURLToPath(import.meta.url))
const portVariables =
  'STANDIN_API_PORT STANDIN_MONGO_PORT STANDIN_OLT_PORT MANAGE_HTTP_PORT MANAGE_HTTPS_PORT PORTAL_HTTPS_PORT UPGRADE_ES_HTTPS_PORT PORT_DISCOVERY PORT_APP_DISCOVERY PORT_MANAGER_V1 PORT_ADOPT_V1 PORT_UPGRADE_V1 PORT_MANAGER_V2 PORT_TRANSFER_V2 PORT_RTTY PORT_DEVICE_MONITOR'

/** A directory of the test's own. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'standin-test-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** Everything on loopback and on free ports. */
export function loopbackEnvironment(directory: string, more: Record<string, string> = {}): Record<string, string> {
  const ports = Object.fromEntries(portVariables.split(' ').map((variable) => [variable, '0']))
  return { ...ports, STANDIN_BIND: '127.0.0.1', STANDIN_DATA_DIR: directory, STANDIN_ADDRESS: '10.129.81.10', ...more }
}

/** The ports by name; one that is not open is a failed test. */
export function port(ports: OpenPorts, name: keyof OpenPorts): number {
  const number = ports[name]
  if (number === undefined) throw new Error(`port ${name} is not open`)
  return number
}

export interface Running {
  readonly controller: StandinController
  readonly lines: string[]
  readonly directory: string
  at(name: keyof OpenPorts): number
}

/** A controller in this process, started. */
export async function startController(
  more: Record<string, string> = {},
  directory = temporaryDirectory(),
): Promise<Running> {
  const lines: string[] = []
  const environment = loopbackEnvironment(directory, more)
  const controller = new StandinController({ environment, write: (line) => lines.push(line) })
  onTestFinished(() => controller.crash(0))
  await controller.start()
  return { controller, lines, directory, at: (name) => port(controller.ports, name) }
}

/** The operator's API. `body` makes it a POST. */
export async function operator(
  apiPort: number,
  path: string,
  body?: unknown,
): Promise<{ status: number; body: unknown }> {
  const post = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }
  const response = await fetch(`http://127.0.0.1:${apiPort}${path}`, { ...post, headers: { connection: 'close' } })
  return { status: response.status, body: await response.json() }
}

/** A device by its MAC as the operator sees it. */
export async function deviceOf(
  apiPort: number,
  mac: string,
): Promise<(DeviceRecord & { datagrams: number }) | undefined> {
  const { body } = await operator(apiPort, '/devices')
  return (body as (DeviceRecord & { datagrams: number })[]).find((device) => device.mac === mac)
}

export interface SimulatedRun {
  readonly device: SimulatedDevice
  readonly events: DeviceEvent[]
  /** The events of one name so far. */
  of(name: EventName): DeviceEvent[]
}

/** A device on loopback that announces quickly to the controller's ports, started. */
export async function startDevice(running: Running, more: Partial<DeviceOptions> = {}): Promise<SimulatedRun> {
  const events: DeviceEvent[] = []
  const device = new SimulatedDevice({
    class: 'ap',
    mac: 'AA-BB-CC-00-00-01',
    model: 'EAP670',
    name: 'Lobby',
    address: '127.0.0.1',
    announceTo: ['127.0.0.1'],
    port: running.at('discovery'),
    webPort: running.at('manageHttps'),
    announceMilliseconds: 100,
    informMilliseconds: 100,
    clockSkewSeconds: 0,
    followNamedAddress: false,
    password: 'admin',
    controllerId: factoryControllerId,
    delayMilliseconds: 0,
    retryMilliseconds: 40,
    // A controller that takes long to start on a busy machine is found as soon as it is there.
    maxRetryMilliseconds: 500,
    onEvent: (event) => events.push(event),
    ...more,
  })
  onTestFinished(() => device.stop())
  await device.start()
  return { device, events, of: (name) => events.filter((event) => event.event === name) }
}

export interface Child {
  readonly process: ChildProcess
  readonly lines: string[]
  /** The exit code, or the signal's name. */
  readonly ended: Promise<number | string>
}

/** One of the two entry points as a process of its own; killed when the test ends. */
export function startProcess(
  entry: 'controller' | 'device',
  args: string[],
  environment: Record<string, string>,
): Child {
  const child = spawn(process.execPath, [join(here, entry, 'main.ts'), ...args], {
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const lines: string[] = []
  for (const stream of [child.stdout, child.stderr]) createInterface(stream).on('line', (line) => lines.push(line))
  const ended = new Promise<number | string>((resolve) =>
    child.on('close', (code, signal) => resolve(code ?? signal ?? '')),
  )
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await ended
  })
  return { process: child, lines, ended }
}

/** The ports that a controller process has printed last. */
export function printedPorts(lines: readonly string[]): OpenPorts {
  const last = lines.findLast((line) => line.startsWith('STANDIN_PORTS '))
  return last === undefined ? {} : (JSON.parse(last.slice('STANDIN_PORTS '.length)) as OpenPorts)
}
