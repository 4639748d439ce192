import type { MemoryPlan } from './memory.ts'
import { controllerPorts } from './ports.ts'

/** Firmware upgrades come by 8044 from 6.3 on; the image itself sets the port to 8043. */
const upgradeVariable = 'UPGRADE_HTTPS_PORT'
const portalHttp = { variable: 'PORTAL_HTTP_PORT', port: 8088 } as const

/**
 * The image's environment (README of mbentley/docker-omada-controller, its entrypoint's setup_environment). The user's
 * own variables win over the memory plan's, never over time zone, database and ports.
 */
export function imageEnvironment(options: {
  timezone: string
  /** TCP ports that the edge serves. */
  proxyPorts: readonly number[]
  memory: MemoryPlan
  databaseUri: string | undefined
  user: Readonly<Record<string, string>>
}): Record<string, string> {
  const { memory, databaseUri, user } = options
  const { MONGOD_EXTRA_ARGS = '', ...others } = user
  const environment: Record<string, string> = {
    ...memoryVariables(memory, user),
    ...others,
    ...databaseArguments(memory, MONGOD_EXTRA_ARGS),
    TZ: options.timezone,
    ...portVariables(options.proxyPorts),
    ...(databaseUri === undefined ? {} : { MONGO_EXTERNAL: 'true', EAP_MONGOD_URI: databaseUri }),
  }
  return Object.fromEntries(Object.entries(environment).sort(([a], [b]) => (a < b ? -1 : 1)))
}

function memoryVariables(memory: MemoryPlan, user: Readonly<Record<string, string>>): Record<string, string> {
  // _JAVA_OPTIONS with a heap of its own overrides the command line: the two must not contradict each other.
  if (memory.heapMegabytes === undefined || user._JAVA_OPTIONS?.includes('-Xmx') === true) return {}
  return { JAVA_MAX_HEAP_SIZE: `${memory.heapMegabytes}m` }
}

/** mongod refuses an option given twice, so the user's cache size replaces ours; other arguments of the user are added. */
function databaseArguments(memory: MemoryPlan, own: string): Record<string, string> {
  const cache =
    memory.databaseCacheMegabytes === undefined || own.includes('--wiredTigerCacheSizeGB')
      ? ''
      : `--wiredTigerCacheSizeGB ${(memory.databaseCacheMegabytes / 1024).toFixed(3).replace(/\.?0+$/, '')}`
  const all = [cache, own].filter((part) => part !== '').join(' ')
  return all === '' ? {} : { MONGOD_EXTRA_ARGS: all }
}

function portVariables(proxyPorts: readonly number[]): Record<string, string> {
  const entries = controllerPorts.flatMap(({ port, variable }): [string, string][] => {
    if (variable === undefined) return []
    const served = variable !== upgradeVariable || proxyPorts.includes(port)
    return [[variable, String(served ? port : 8043)]]
  })
  return { ...Object.fromEntries(entries), [portalHttp.variable]: String(portalHttp.port) }
}
