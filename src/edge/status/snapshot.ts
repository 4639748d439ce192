import { type Clock, isoTime } from '../../core/clock.ts'
import type { Html } from '../../core/html.ts'
import type { Device, EdgeState } from '../../ipc/edge-state.ts'
import type { HostState } from '../../ipc/host-state.ts'
import { type ApplianceStatus, type MergeOptions, mergeStatus } from './merge.ts'
import { mainView } from './views/page.ts'

/** Where the two halves of the state come from. `host` is undefined while it does not answer. */
export interface StatusSources {
  host(): HostState | undefined
  edge(): EdgeState
}

/**
 * How long what was put together is handed to further readers, from the end of that work on: whoever asks in a loop must
 * not keep this process, which also forwards, from its work. As long as it takes the edge to tell its changed counters.
 */
const lifetimeMilliseconds = 2000

/** What readers get, each part made when the first of them asks for it. */
interface View {
  /** When the last part was made, in monotonic milliseconds. */
  madeAt: number
  readonly host: HostState | undefined
  readonly edge: EdgeState
  readonly status: ApplianceStatus
  devices?: EdgeState['devices']
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
  readonly #json = new WeakMap<Device, string>()

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
    view.statusJson ??= this.#making(view, () => JSON.stringify(view.status))
    return view.statusJson
  }

  devicesJson(): Buffer {
    const view = this.#current()
    view.devicesJson ??= this.#making(view, () =>
      Buffer.from(
        `[${devicesOf(view)
          .map((one) => this.#jsonOf(one))
          .join()}]`,
      ),
    )
    return view.devicesJson
  }

  page(): { readonly main: Html; readonly status: ApplianceStatus } {
    const view = this.#current()
    view.main ??= this.#making(view, () => mainView(view.status, devicesOf(view), this.#clock.wall()))
    return { main: view.main, status: view.status }
  }

  #current(): View {
    const host = this.#host()
    // What the host says, the phase among it, is never a moment old.
    const view = this.#view
    const isFresh = view !== undefined && this.#clock.now() - view.madeAt < lifetimeMilliseconds
    if (isFresh && view.host === host) return view
    const edge = this.#sources.edge()
    const lost = host === undefined ? this.#lost : undefined
    const status = mergeStatus(host, edge, { ownPid: process.pid, ...(lost === undefined ? {} : { lost }) })
    this.#view = { madeAt: this.#clock.now(), host, edge, status }
    return this.#view
  }

  /** Of a device that is the same object as before its JSON is the same. */
  #jsonOf(device: Device): string {
    const json = this.#json.get(device) ?? JSON.stringify(device)
    this.#json.set(device, json)
    return json
  }

  #making<T>(view: View, make: () => T): T {
    const made = make()
    view.madeAt = this.#clock.now()
    return made
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

function devicesOf(view: View): EdgeState['devices'] {
  view.devices ??= view.edge.devices
  return view.devices
}
