import type { Clock } from '../core/clock.ts'
import type { EdgeState } from '../state/edge-state.ts'
import type { HostState } from '../state/host-state.ts'
import { type ApplianceStatus, type MergeOptions, mergeStatus } from './merge.ts'
import type { Html } from './views/html.ts'
import { mainView } from './views/page.ts'

/** Where the two halves of the state come from. `host` is undefined while it does not answer. */
export interface StatusSources {
  host(): HostState | undefined
  edge(): EdgeState
}

/** How long a rendered page is handed to further readers, in milliseconds: ages on it are in seconds. */
const htmlLifetime = 1000

/** The status as of now, remembering what the host said last, and the page made of it. */
export class StatusSnapshot {
  readonly #sources: StatusSources
  readonly #clock: Clock
  readonly #ownPid: number
  #lastHost: HostState | undefined
  #lost: MergeOptions['lost']
  #html: { readonly at: number; readonly main: Html; readonly status: ApplianceStatus } | undefined

  constructor(options: { sources: StatusSources; clock: Clock; ownPid: number }) {
    this.#sources = options.sources
    this.#clock = options.clock
    this.#ownPid = options.ownPid
  }

  /** Something changed: forgets the rendered page and notes whether the host answers. */
  invalidate(): void {
    this.#html = undefined
    this.#host()
  }

  status(): ApplianceStatus {
    return this.#merge(this.#sources.edge())
  }

  devices(): EdgeState['devices'] {
    return this.#sources.edge().devices
  }

  page(): { readonly main: Html; readonly status: ApplianceStatus } {
    const at = this.#clock.now()
    if (this.#html === undefined || at - this.#html.at > htmlLifetime) {
      const edge = this.#sources.edge()
      const status = this.#merge(edge)
      this.#html = { at, status, main: mainView(status, edge.devices, this.#clock.wall()) }
    }
    return this.#html
  }

  #merge(edge: EdgeState): ApplianceStatus {
    const host = this.#host()
    const lost = host === undefined ? this.#lost : undefined
    return mergeStatus(host, edge, { ownPid: this.#ownPid, ...(lost === undefined ? {} : { lost }) })
  }

  #host(): HostState | undefined {
    const host = this.#sources.host()
    if (host !== undefined) {
      this.#lastHost = host
      this.#lost = undefined
    } else if (this.#lastHost !== undefined) {
      this.#lost ??= { host: this.#lastHost, at: new Date(this.#clock.wall()).toISOString() }
    }
    return host
  }
}
