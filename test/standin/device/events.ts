/** What a simulated device or app tells. The details of each are in README.md. */
export type EventName =
  | 'announced'
  | 'announceFailed'
  | 'preAdopt'
  | 'info'
  | 'infoFailed'
  | 'connecting'
  | 'connectFailed'
  | 'connected'
  | 'informed'
  | 'told'
  | 'disconnected'
  | 'asked'
  | 'answered'

export interface DeviceEvent {
  readonly event: EventName
  /** ISO time. */
  readonly at: string
  readonly mac?: string
  readonly [detail: string]: unknown
}

export type EventSink = (event: DeviceEvent) => void
