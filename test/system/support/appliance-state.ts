import { setTimeout as delay } from 'node:timers/promises'
import { type ApplianceStatus, mergeStatus } from '../../../src/edge/status/merge.ts'
import { fetchState } from '../../../src/ipc/client.ts'
import type { EdgeState, Device as SeenDevice } from '../../../src/ipc/edge-state.ts'
import type { HostState, Phase } from '../../../src/ipc/host-state.ts'
import type { Paths } from '../../../src/ipc/paths.ts'

/** What an appliance says of itself on its unix sockets, however it was started. */
export abstract class ApplianceState {
  abstract get paths(): Paths

  /** False once it has ended: then it is not waited for. */
  abstract get running(): boolean

  /** The end of its log, for the message of a failure. */
  abstract report(): string | Promise<string>

  hostState(): Promise<HostState> {
    return fetchState<HostState>(this.paths.hostStateSocket, AbortSignal.timeout(5000))
  }

  edgeState(): Promise<EdgeState> {
    return fetchState<EdgeState>(this.paths.edgeStateSocket, AbortSignal.timeout(5000))
  }

  async status(): Promise<ApplianceStatus> {
    const [host, edge] = await Promise.all([this.hostState(), this.edgeState()])
    return mergeStatus(host, edge)
  }

  async device(mac: string): Promise<SeenDevice | undefined> {
    return (await this.edgeState()).devices.find((device) => device.mac === mac)
  }

  /** Waits for a phase. @throws Error when the appliance ends or does not get there in time, with its log */
  async phase(wanted: Phase, milliseconds = 60_000): Promise<HostState> {
    const end = performance.now() + milliseconds
    for (;;) {
      const state = await this.hostState().catch(() => undefined)
      if (state?.phase === wanted) return state
      if (!this.running) throw new Error(`the appliance ended instead of being ${wanted}\n${await this.report()}`)
      if (performance.now() > end) {
        const last = state === undefined ? 'it told nothing' : `it is ${state.phase}: ${JSON.stringify(state.reason)}`
        throw new Error(`not ${wanted} after ${milliseconds} ms: ${last}\n${await this.report()}`)
      }
      await delay(50)
    }
  }
}
