import { createSocket, type Socket } from 'node:dgram'
import { type AddressInfo, createServer, type Server } from 'node:net'
import type { ProbePorts } from '../../src/host/health/controller-probes.ts'
import type { MongoPose } from '../standin/mongo/commands.ts'
import { MongoServer } from '../standin/mongo/server.ts'
import { FakeWeb } from './health-web.ts'

export const infoPath = '/api/v2/anon/info'

/** As much of a controller as the probes look at, on loopback ports, each part to be taken down and brought back. */
export class FakeController {
  readonly web: FakeWeb
  readonly mongo: MongoServer
  readonly ports: ProbePorts
  readonly #closers: readonly (() => Promise<void>)[]
  readonly #device: { server: Server; port: number }

  private constructor(options: {
    web: FakeWeb
    mongo: MongoServer
    ports: ProbePorts
    device: { server: Server; port: number }
    closers: readonly (() => Promise<void>)[]
  }) {
    this.web = options.web
    this.mongo = options.mongo
    this.ports = options.ports
    this.#device = options.device
    this.#closers = options.closers
  }

  static async start(pose: MongoPose = '8.0'): Promise<FakeController> {
    const web = await FakeWeb.start()
    web.json(infoPath, { errorCode: 0, result: { controllerVer: '6.2.0.17', omadacId: 'abc123' } })
    const mongo = new MongoServer({ pose, host: '127.0.0.1', port: 0 })
    const database = await mongo.start()
    const device = createServer((socket) => socket.on('error', () => {}).resume())
    await listen(device, 0)
    const devicePort = (device.address() as AddressInfo).port
    const discovery = await bound()
    const app = await bound()
    return new FakeController({
      web,
      mongo,
      device: { server: device, port: devicePort },
      ports: {
        info: web.port,
        web: [web.port],
        device: devicePort,
        discovery: discovery.address().port,
        appDiscovery: app.address().port,
        database,
      },
      closers: [
        () => web.close(),
        () => mongo.stop(),
        ...[discovery, app].map(
          (socket) => () =>
            new Promise<void>((resolve) => (closed(socket) ? resolve() : socket.close(() => resolve()))),
        ),
      ],
    })
  }

  /** The database dies; the web server goes on, and says what a real one says then. */
  async killDatabase(): Promise<void> {
    await this.mongo.stop()
    this.web.json(infoPath, { errorCode: -1, msg: 'General error.' })
  }

  async reviveDatabase(): Promise<void> {
    await this.mongo.start()
    this.web.json(infoPath, { errorCode: 0, result: { controllerVer: '6.2.0.17', omadacId: 'abc123' } })
  }

  async closeDevicePort(): Promise<void> {
    await new Promise<void>((resolve) => this.#device.server.close(() => resolve()))
  }

  async openDevicePort(): Promise<void> {
    await listen(this.#device.server, this.#device.port)
  }

  async close(): Promise<void> {
    await Promise.all([this.closeDevicePort(), ...this.#closers.map((close) => close())])
  }
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
}

/** Bound to the wildcard, as the controller's are; nothing is sent to it. */
function bound(): Promise<Socket> {
  const socket = createSocket('udp4')
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.bind(0, () => resolve(socket))
  })
}

function closed(socket: Socket): boolean {
  try {
    socket.address()
    return false
  } catch {
    return true
  }
}
