import { fileURLToPath } from 'node:url'
import { Child } from './child.ts'
import type { Ledger } from './ledger.ts'
import type { Namespace } from './namespace.ts'

const program = fileURLToPath(new URL('../standin/device/main.ts', import.meta.url))

/** One line of a simulated device; test/standin/README.md names the events and what each carries. */
export interface DeviceEvent {
  readonly event: string
  readonly at: string
  readonly mac?: string
  readonly [detail: string]: unknown
}

export interface DeviceOptions {
  readonly namespace: Namespace
  readonly class: 'ap' | 'switch' | 'gateway' | 'app'
  readonly mac: string
  readonly name: string
  /** More options of the device program, such as `--inform 10.77.10.1`. */
  readonly options?: readonly string[]
}

/** A simulated device in a namespace of its own. It keeps the last events; the ledger ends it. */
export class Device {
  readonly mac: string
  readonly namespace: Namespace
  readonly child: Child

  private constructor(options: DeviceOptions, child: Child) {
    this.mac = options.mac
    this.namespace = options.namespace
    this.child = child
  }

  static async start(ledger: Ledger, options: DeviceOptions): Promise<Device> {
    const identity = ['--class', options.class, '--mac', options.mac, '--name', options.name]
    const child = await Child.start(ledger, {
      what: `device ${options.name}`,
      argv: options.namespace.enter([process.execPath, program, ...identity, ...(options.options ?? [])]),
      graceMilliseconds: 3000,
    })
    return new Device(options, child)
  }

  /** Calls back for every event from now on. */
  onEvent(listener: (event: DeviceEvent) => void): () => void {
    return this.child.lines.on((line) => {
      const event = parseEvent(line)
      if (event !== undefined) listener(event)
    })
  }

  /** The first such event, one that is past already included. @throws Error with the device's last lines after the time */
  event(name: string, milliseconds: number, accept = (_: DeviceEvent) => true): Promise<DeviceEvent> {
    return this.child.line((line) => {
      const event = parseEvent(line)
      return event?.event === name && accept(event) ? event : undefined
    }, milliseconds)
  }

  /** Every such event, as far as the kept lines go back. */
  events(name: string): DeviceEvent[] {
    return this.child.kept.flatMap((line) => {
      const event = parseEvent(line)
      return event?.event === name ? [event] : []
    })
  }

  count(name: string): number {
    return this.events(name).length
  }
}

function parseEvent(line: string): DeviceEvent | undefined {
  if (!line.startsWith('{')) return undefined
  try {
    return JSON.parse(line) as DeviceEvent
  } catch {
    return undefined
  }
}
