import { type Clock, isoTime } from '../../core/clock.ts'
import type { Html } from '../../core/html.ts'
import type { EdgeState } from '../../ipc/edge-state.ts'
import type { HostState } from '../../ipc/host-state.ts'
import { type ApplianceStatus, type MergeOptions, mergeStatus } from './merge.ts'
import { mainView } from './views/page.ts'

/** Where the two halves of the state come from. `host` is undefined while it does not answer. */
export interface StatusSources {
  host(): HostState | undefined
  edge(): EdgeState
}

/**
 * How long what was put together is handed to further readers: whoever asks in a loop must not keep this
 * process, which also forwards, from its work.
 */
const lifetimeMilliseconds = 500

/** What readers get, each part made when the first of them asks for it. */
interface View {
  readonly at: number
  readonly host: HostState | undefined
  readonly status: ApplianceStatus
  readonly devices: EdgeState['devices']
  statusJson?: string
  /** Bytes, which all answers share. */
  devicesJson?: Buffer
  main?: Html
}

/** The status of a moment ago at most, remembering what the host said last, and what is made of it for readers. */
export class StatusSnapshot {
  readonly #sources: StatusSources
  readonly #clock: Clock
  #lastHost: HostState | undefined
  #lost: MergeOptions['lost']
  #view: View | undefined

  constructor({ sources, clock }: { sources: StatusSources; clock: Clock }) {
    this.#sources = sources
    this.#clock = clock
  }

  /** Something changed: forgets what was put together and notes whether the host answers. */
  invalidate(): void {
    this.#view = undefined
    this.#host()
  }

  status(): ApplianceStatus {
    return this.#current().status
  }

  statusJson(): string {
    const view = this.#current()
    view.statusJson ??= JSON.stringify(view.status)
    return view.statusJson
  }

  devicesJson(): Buffer {
    const view = this.#current()
    view.devicesJson ??= Buffer.from(JSON.stringify(view.devices))
    return view.devicesJson
  }

  page(): { readonly main: Html; readonly status: ApplianceStatus } {
    const view = this.#current()
    view.main ??= mainView(view.status, view.devices, this.#clock.wall())
    return { main: view.main, status: view.status }
  }

  #current(): View {
    const at = this.#clock.now()
    const host = this.#host()
    // What the host says, the phase among it, is never a moment old.
    const view = this.#view
    if (view !== undefined && view.host === host && at - view.at < lifetimeMilliseconds) return view
    const edge = this.#sources.edge()
    const lost = host === undefined ? this.#lost : undefined
    const status = mergeStatus(host, edge, { ownPid: process.pid, ...(lost === undefined ? {} : { lost }) })
    this.#view = { at, host, status, devices: edge.devices }
    return this.#view
  }

  #host(): HostState | undefined {
    const host = this.#sources.host()
    if (host !== undefined) {
      this.#lastHost = host
      this.#lost = undefined
    } else if (this.#lastHost !== undefined) {
      this.#lost ??= { host: this.#lastHost, at: isoTime(this.#clock) }
    }
    return host
  }
}
