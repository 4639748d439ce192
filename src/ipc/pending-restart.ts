import type { Fault } from '../core/errors.ts'

const effects = {
  'omada-host': 'the controller runs on, or gets a new container, with its full grace, when the change needs one',
  'omada-host-edge': "the devices' connections are cut and come back",
} as const

/** What to tell of changed keys that a running service cannot take over. */
export function needsRestart(keys: readonly string[], service: keyof typeof effects): Fault {
  return {
    code: 'RESTART_PENDING',
    message: `the configuration was changed, but a restart is needed for ${keys.join(', ')}`,
    remedy: `systemctl restart ${service} (${effects[service]})`,
  }
}
