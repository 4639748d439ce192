import { kernelWorkaround } from './database-kernel.ts'
import { databaseUriForImage } from './database-uri.ts'
import type { MemoryPlan } from './memory.ts'
import { portVariables } from './ports.ts'

/**
 * The image's environment (README of mbentley/docker-omada-controller, its entrypoint's setup_environment). The user's
 * own variables win over the memory plan's and the kernel's work-around, never over time zone, database and ports.
 */
export function imageEnvironment(options: {
  timezone: string
  memory: MemoryPlan
  databaseUri: string | undefined
  user: Readonly<Record<string, string>>
  /** The machine's kernel makes the image's database crash. */
  crashingKernel?: boolean
}): Record<string, string> {
  const { memory, databaseUri, user, crashingKernel = false } = options
  const { MONGOD_EXTRA_ARGS = '', ...others } = user
  const environment: Record<string, string> = {
    ...memoryVariables(memory, user),
    ...(crashingKernel ? kernelWorkaround : {}),
    ...others,
    ...databaseArguments(memory, MONGOD_EXTRA_ARGS),
    TZ: options.timezone,
    ...Object.fromEntries(Object.entries(portVariables).map(([variable, port]) => [variable, String(port)])),
    ...(databaseUri === undefined ? {} : { MONGO_EXTERNAL: 'true', EAP_MONGOD_URI: databaseUriForImage(databaseUri) }),
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
