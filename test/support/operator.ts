/** A device as the stand-in's operator API shows it (test/standin/README.md). */
export interface PendingDevice {
  readonly mac: string
  readonly state: 'pending' | 'managed-by-others' | 'adopting' | 'connected' | 'disconnected' | 'adopt-failed'
  /** Why an adoption failed. */
  readonly reason?: string
  readonly source: { readonly address: string; readonly port: number }
  readonly datagrams: number
  readonly announces: number
  readonly connectedFrom?: string
  readonly connections: number
  readonly informs: number
}

export interface StandinHealth {
  readonly ready: boolean
  readonly phase: string
  /** What devices and guests are told. */
  readonly deviceHost: string
  readonly portalHost: string
  /** How many starts its database knows; undefined where it keeps nothing. */
  readonly database: { readonly starts?: number }
  readonly data: {
    readonly state: 'dirty' | 'clean'
    readonly uncleanStops: number
    readonly history: readonly { readonly at: string; readonly event: string }[]
  }
}

export interface StandinStats {
  readonly discovery: {
    readonly received: number
    readonly accepted: number
    readonly malformed: number
    readonly stale: number
    readonly repeated: number
    readonly preAdoptsSent: number
    readonly byMac: Readonly<Record<string, number>>
  }
  readonly app: { readonly received: number; readonly answered: number }
  /** Connections by listener, such as `managerV2` for 29814. */
  readonly tcp: Readonly<Record<string, { readonly open: number; readonly total: number }>>
}

/** Sends one JSON request and parses the answer; rejects unless the status is 2xx. */
export type JsonRequest = <T>(url: string, method?: string, body?: unknown) => Promise<T>

/** Who sits at the controller and presses Adopt: the stand-in's operator API, seen from the host. */
export class Operator {
  readonly #base: string
  readonly #request: JsonRequest

  constructor(options: { address: string; request: JsonRequest }) {
    this.#base = `http://${options.address}:9080`
    this.#request = options.request
  }

  devices(): Promise<readonly PendingDevice[]> {
    return this.#request(`${this.#base}/devices`)
  }

  async device(mac: string): Promise<PendingDevice | undefined> {
    return (await this.devices()).find((device) => device.mac === mac)
  }

  adopt(mac: string): Promise<PendingDevice> {
    return this.#request(`${this.#base}/adopt`, 'POST', { mac })
  }

  /** Types the device management host into the controller's settings, as README tells the owner to. */
  setDeviceHost(deviceHost: string): Promise<unknown> {
    return this.#request(`${this.#base}/settings`, 'POST', { deviceManage: { deviceHostEnable: true, deviceHost } })
  }

  stats(): Promise<StandinStats> {
    return this.#request(`${this.#base}/stats`)
  }

  health(): Promise<StandinHealth> {
    return this.#request(`${this.#base}/health`)
  }

  /** Changes the faults named; see the README's table. */
  fault(faults: Readonly<Record<string, unknown>>): Promise<unknown> {
    return this.#request(`${this.#base}/faults`, 'POST', faults)
  }
}
