import type { ErrorCode } from '../../core/error-codes.ts'

export type ProbedName = 'database' | 'web' | 'device-port' | 'discovery' | 'web-ports' | 'app-discovery'

/** What is to be told of one condition; what it follows from is in the table of warnings, by `code` and `name`. */
export interface ConditionDefinition {
  readonly name: ProbedName
  /** The controller is not ready without it. The others are shown, and that is all. */
  readonly required: boolean
  readonly ok: string
  readonly failing: string
  /** While the controller starts: what it is that has not come yet. */
  readonly awaited: string
  readonly code: ErrorCode
  readonly remedy: string
}

const logs = 'see what the controller says: omada-host logs'

/** The probed conditions, causes before consequences: that is also the order in which they are shown. */
export const conditionTable: readonly ConditionDefinition[] = [
  {
    name: 'database',
    required: true,
    ok: 'MongoDB answers and is writable',
    failing: "the controller's database (MongoDB) does not work",
    awaited: 'MongoDB',
    code: 'DATABASE_DOWN',
    remedy: `${logs}; check free disk space and memory, then: omada-host restart`,
  },
  {
    name: 'web',
    required: true,
    ok: 'the web interface answers and says that all is well',
    failing: "the controller's web interface does not work",
    awaited: 'the web server',
    code: 'WEB_DOWN',
    remedy: `${logs}; if it stays so: omada-host restart`,
  },
  {
    name: 'device-port',
    required: true,
    ok: 'the device port 29814 accepts connections',
    failing: "the controller's device port 29814 does not accept connections",
    awaited: 'the device port 29814',
    code: 'DEVICE_PORT_DOWN',
    remedy: `${logs}; if it stays so: omada-host restart`,
  },
  {
    name: 'discovery',
    required: true,
    ok: 'the controller listens for devices on UDP 29810',
    failing: 'the controller does not listen for devices on UDP 29810',
    awaited: 'the discovery port 29810',
    code: 'DISCOVERY_DOWN',
    remedy: `${logs}; if it stays so: omada-host restart`,
  },
  {
    name: 'web-ports',
    required: false,
    ok: 'all web ports accept connections',
    failing: 'not all web ports accept connections',
    awaited: 'all web ports',
    code: 'WEB_DOWN',
    remedy: 'check the HTTP and HTTPS ports in the settings of the controller: they must be 8088, 8043 and 8843',
  },
  {
    name: 'app-discovery',
    required: false,
    ok: 'the controller listens for the mobile app on UDP 27001',
    failing: 'the controller does not listen for the mobile app on UDP 27001',
    awaited: 'the app discovery port 27001',
    code: 'DISCOVERY_DOWN',
    remedy: `${logs}; devices do not need this port, the mobile app on the same network does`,
  },
]

/** For a probe that could not run, whatever it was to look at. */
export const unableRemedy =
  'check the machine with omada-host doctor; if nothing is found, report it with omada-host logs'
