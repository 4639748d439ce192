import { setTimeout as delay } from 'node:timers/promises'
import { plainText } from '../../../src/core/text.ts'
import { fetchState } from '../../../src/ipc/client.ts'
import type { Device, EdgeState } from '../../../src/ipc/edge-state.ts'
import type { HostState } from '../../../src/ipc/host-state.ts'
import type { DemoAppliance } from './appliance.ts'

export interface View {
  readonly host: HostState | undefined
  readonly edge: EdgeState | undefined
}

/** Prints what changes in the appliance's state while something is waited for: phases, reasons, devices. */
export class Progress {
  readonly #appliance: DemoAppliance
  readonly #signal: AbortSignal
  readonly #started = performance.now()
  readonly #shown = new Map<string, string>()

  constructor(options: { appliance: DemoAppliance; signal: AbortSignal }) {
    this.#appliance = options.appliance
    this.#signal = options.signal
  }

  /** @throws Error when the appliance fails, ends, or does not get there in time; the abort when cancelled */
  async until(reached: (view: View) => boolean, milliseconds: number, what: string): Promise<void> {
    const end = performance.now() + milliseconds
    for (;;) {
      this.#signal.throwIfAborted()
      const view = await this.#look()
      if (reached(view)) return
      if (performance.now() > end) throw new Error(`waited ${milliseconds / 1000} s in vain until ${what}`)
      await delay(250)
    }
  }

  /** Settles like `work`, printing meanwhile. @throws the abort when cancelled first, unless `work` settled by that */
  async while<T>(work: Promise<T>): Promise<T> {
    let settled = false
    const done = work.finally(() => {
      settled = true
    })
    done.catch(() => {})
    while (!settled && !this.#signal.aborted) {
      await this.#look()
      await Promise.race([delay(500), done])
    }
    if (!settled) {
      // What was waited for may settle by the same signal; give it its turn before calling this an abort.
      await delay(0)
      if (!settled) this.#signal.throwIfAborted()
    }
    return done
  }

  async #look(): Promise<View> {
    const { child, paths } = this.#appliance
    if (!child.running) throw new Error('omada-host ended by itself')
    const [host, edge] = await Promise.all([
      fetchState<HostState>(paths.hostStateSocket, AbortSignal.timeout(3000)).catch(() => undefined),
      fetchState<EdgeState>(paths.edgeStateSocket, AbortSignal.timeout(3000)).catch(() => undefined),
    ])
    if (host !== undefined) this.#show('phase', `${host.phase}: ${host.reason.message}`)
    for (const device of edge?.devices ?? []) this.#show(device.mac, describe(device))
    for (const listener of failedListeners(edge)) this.#show(listener, listener)
    if (host?.phase === 'failed') {
      const { message, remedy } = host.reason
      throw new Error(remedy === undefined ? message : `${message}\nremedy: ${remedy}`)
    }
    return { host, edge }
  }

  #show(key: string, text: string): void {
    if (this.#shown.get(key) === text) return
    this.#shown.set(key, text)
    const seconds = ((performance.now() - this.#started) / 1000).toFixed(1)
    console.log(`${seconds.padStart(6)} s  ${plainText(text)}`)
  }
}

function describe(device: Device): string {
  const hint = device.hint === undefined ? '' : ` (${device.hint.message})`
  return `${device.class} ${device.name} ${device.mac} at ${device.address}: ${device.adoption}${hint}`
}

function failedListeners(edge: EdgeState | undefined): string[] {
  if (edge === undefined) return []
  return [...edge.proxy.ports, edge.status, ...edge.discovery.listeners]
    .filter((listener) => listener.state === 'failed')
    .map((listener) => `port ${listener.port}: ${listener.reason?.message ?? 'failed'}`)
}
