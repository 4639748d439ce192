import { expect } from 'vitest'
import { type Clock, systemClock } from '../../../../src/core/clock.ts'
import type { Warning } from '../../../../src/core/warning-kinds.ts'
import { Warnings } from '../../../../src/core/warnings.ts'
import type { Discovery } from '../../../../src/edge/discovery/discovery.ts'
import {
  configFor,
  containerAddress,
  type DependencyChanges,
  dependenciesFor,
  discoveryFor,
  keepingLogger,
  type TestDependencies,
} from './edge.ts'
import { freePorts, Peer, type Received } from './peer.ts'

/** A running Discovery on loopback with devices and a controller; everything is closed by `close`. */
export class Scene {
  readonly discovery: Discovery
  readonly dependencies: TestDependencies
  /** The configured discovery ports: in the place of 29810 and of 27001. */
  readonly discoveryPort: number
  readonly appPort: number
  readonly lines: string[]
  readonly #warnings: Warnings
  readonly #peers: Peer[] = []

  private constructor(options: {
    discovery: Discovery
    warnings: Warnings
    dependencies: TestDependencies
    numbers: readonly [number, number]
    lines: string[]
  }) {
    this.discovery = options.discovery
    this.#warnings = options.warnings
    this.dependencies = options.dependencies
    ;[this.discoveryPort, this.appPort] = options.numbers
    this.lines = options.lines
  }

  static async start(
    options: { discovery?: object; dependencies?: DependencyChanges; clock?: Clock } = {},
  ): Promise<Scene> {
    const [first = 0, second = 0] = await freePorts(2)
    const { logger, lines } = keepingLogger()
    const warnings = new Warnings({ logger, clock: options.clock ?? systemClock })
    const dependencies = dependenciesFor({
      warnings: warnings.source({ name: 'discovery' }),
      ...options.dependencies,
    })
    const discovery = discoveryFor({
      config: configFor({
        discovery: { ports: [first, second], ratePerSource: 100_000, ...options.discovery },
      }),
      dependencies,
      logger,
      ...(options.clock === undefined ? {} : { clock: options.clock }),
    })
    await discovery.start(AbortSignal.timeout(10_000))
    return new Scene({ discovery, warnings, dependencies, numbers: [first, second], lines })
  }

  async device(address = '127.0.0.1'): Promise<Peer> {
    const peer = await Peer.open(address)
    this.#peers.push(peer)
    return peer
  }

  /** What listens in the "container"; `answer` gives what it says to each datagram. */
  async controller(answer: (datagram: Received) => Buffer | undefined = () => undefined, port = this.discoveryPort) {
    const peer: Peer = await Peer.open(containerAddress, port, (datagram) => {
      const reply = answer(datagram)
      if (reply !== undefined) void peer.send(reply, datagram.port, datagram.address)
    })
    this.#peers.push(peer)
    return peer
  }

  /** What is to be shown as wrong now. */
  warnings(): readonly Warning[] {
    this.#warnings.settle()
    return this.#warnings.list()
  }

  outcome(name: string): number {
    return this.discovery.state().outcomes[name] ?? Number.NaN
  }

  /** Waits until the counters are exactly these; those not named must be 0. */
  async settled(outcomes: Record<string, number>): Promise<void> {
    await expect
      .poll(
        () => Object.fromEntries(Object.entries(this.discovery.state().outcomes).filter(([, count]) => count > 0)),
        {
          timeout: 10_000,
        },
      )
      .toEqual(outcomes)
  }

  async close(): Promise<void> {
    await this.discovery.stop()
    await Promise.all(this.#peers.splice(0).map((peer) => peer.close()))
  }

  /** Ends one peer before the scene does. */
  async remove(peer: Peer): Promise<void> {
    this.#peers.splice(this.#peers.indexOf(peer), 1)
    await peer.close()
  }
}

/** Waits until the peer has received so many datagrams. */
export async function received(peer: Peer, count: number): Promise<readonly Received[]> {
  await expect.poll(() => peer.received.length, { timeout: 10_000 }).toBe(count)
  return peer.received
}
