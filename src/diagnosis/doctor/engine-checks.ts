import type { Config } from '../../config/schema.ts'
import { withDeadline } from '../../core/deadline.ts'
import type { ErrorCode } from '../../core/error-codes.ts'
import { type MachineFacts, readMachineFacts } from '../../host/controller/machine.ts'
import { isOurs, isRunning } from '../../host/controller/plan.ts'
import { containerPlace, preflight } from '../../host/controller/preflight.ts'
import { controllerPlaces, type Place } from '../../host/disks/storage-places.ts'
import { chooseEngine } from '../../host/engine/choose.ts'
import type { EngineContainer, EngineInfo, EngineNetwork } from '../../host/engine/engine.ts'
import { crashesDatabase, kernelFault } from '../../omada/database-kernel.ts'
import { planMemory } from '../../omada/memory.ts'
import { type Check, type CheckResult, failed, ok, unknown } from '../finding.ts'
import type { ControllerLook } from './isolation.ts'

/** How long the engine may take to answer: a socket-activated one starts first. */
const engineMilliseconds = 20_000

/** What was seen of the engine, and of the machine as the controller will find it. */
export interface EngineLook {
  /** Undefined where none answers. */
  readonly engine?: EngineInfo
  /** What went wrong while it was looked at. */
  readonly error?: unknown
  readonly imagePresent: boolean
  /** The container network is there, as configured. */
  readonly networkPresent: boolean
  /** Where the controller writes. */
  readonly places: readonly Place[]
  readonly controller: ControllerLook
}

/** Rejects only with the signal's reason. */
export async function lookAtEngine(config: Config, signal: AbortSignal): Promise<EngineLook> {
  const bounded = withDeadline(engineMilliseconds, signal)
  let look: EngineLook = {
    imagePresent: false,
    networkPresent: false,
    places: controllerPlaces(config, {}),
    controller: { state: 'unknown' },
  }
  try {
    const connected = await chooseEngine(config, { signal: bounded })
    const engine = await connected.info(bounded)
    look = { ...look, engine }
    const network = await connected.network(config.network.name, bounded)
    const imagePresent = (await connected.image(config.controller.image, bounded)) !== undefined
    look = { ...look, imagePresent, networkPresent: network?.subnet === config.network.subnet }
    const container = await connected.container(config.controller.name, bounded)
    const places = controllerPlaces(config, {
      engineDirectory: engine.storageDirectory,
      ...(container === undefined ? {} : { mounts: container.mounts }),
    })
    return { ...look, places, controller: lookAtController(container, network) }
  } catch (error) {
    signal.throwIfAborted()
    return { ...look, error }
  }
}

/** A container that is not ours has no fence of ours. */
function lookAtController(container: EngineContainer | undefined, network: EngineNetwork | undefined): ControllerLook {
  if (!isRunning(container) || !isOurs(container)) return { state: 'stopped' }
  const { subnet, bridge } = network ?? {}
  return subnet === undefined || bridge === undefined
    ? { state: 'unknown' }
    : { state: 'running', network: { subnet, bridge } }
}

/** The engine, and the machine as the controller will find it. Looks that need no engine are done without one too. */
export async function engineChecks(config: Config, look: EngineLook): Promise<readonly Check[]> {
  const { engine, error } = look
  const machine = await readMachineFacts()
  return [
    {
      name: 'engine',
      run: () => {
        if (engine === undefined || error !== undefined) throw error
        const { kind, version, defaultRuntime, cgroupVersion, socket } = engine
        return [ok(`${kind} ${version} on ${socket}, runtime ${defaultRuntime}, cgroup v${cgroupVersion}`)]
      },
    },
    ...(await preflightChecks(config, machine, look)),
    { name: 'memory', run: () => [checkMemory(config, machine, engine?.memoryLimit ?? false)] },
  ]
}

/** Which look of the preflight a fault belongs to. */
const looks = new Map<ErrorCode, string>([
  ['ENGINE_RUNTIME', 'runtime'],
  ['ENGINE_NO_CPU_LIMIT', 'limits'],
  ['ENGINE_NO_MEMORY_LIMIT', 'limits'],
  ['CPU_UNSUPPORTED', 'processor'],
  ['SUBNET_CLASH', 'subnet'],
  ['SUBNET_ROUTED', 'subnet'],
  ['DISK_FULL', 'disk'],
])

async function preflightChecks(config: Config, machine: MachineFacts, look: EngineLook): Promise<readonly Check[]> {
  const { engine, imagePresent, networkPresent } = look
  const freeMegabytes = engine === undefined ? undefined : await machine.freeMegabytes(engine.storageDirectory)
  const containerWay = await machine.containerWay(containerPlace(config))
  const routes = await machine.routes()
  const facts = { config, machine, routes, containerWay, freeMegabytes, imagePresent, networkPresent }
  const faults = preflight({ ...facts, engine: engine ?? unknownEngine })
  const { image } = config.controller
  const kernel = crashesDatabase(machine, config)
    ? { ...failed(kernelFault(machine, image)), status: 'warn' as const }
    : ok(`Linux ${machine.kernel}, good for ${image}`)
  const fine: Readonly<Record<string, string | undefined>> = {
    runtime: engine && `${engine.defaultRuntime} works with this machine's cgroups`,
    limits:
      engine && `the engine can keep limits of memory: ${yesNo(engine.memoryLimit)}, of CPU: ${yesNo(engine.cpuLimit)}`,
    processor: `${machine.architecture}, good for ${config.controller.image}`,
    subnet: `${config.network.subnet} overlaps none of this machine's routes, and Linux sends to it by its bridge`,
    disk:
      freeMegabytes === undefined
        ? undefined
        : `${freeMegabytes} MB free; the image is ${imagePresent ? 'on this machine' : 'still to be pulled'}`,
  }
  const looksOfPreflight = Object.entries(fine).map(([name, message]) => ({
    name,
    run: () => {
      if (message === undefined) return [unknown('could not check: the engine does not say')]
      const own = faults.filter(({ code }) => looks.get(code) === name)
      return own.length > 0 ? own.map(failed) : [ok(message)]
    },
  }))
  return [...looksOfPreflight, { name: 'kernel', run: () => [kernel] }]
}

function checkMemory(config: Config, machine: MachineFacts, limitPossible: boolean): CheckResult {
  const plan = planMemory({
    memory: config.controller.memory,
    machineMegabytes: machine.memoryMegabytes,
    externalDatabase: config.mongo.uri !== undefined,
    limitPossible,
  })
  const parts = [
    ...(plan.heapMegabytes === undefined ? [] : [`JVM heap ${plan.heapMegabytes}`]),
    ...(plan.databaseCacheMegabytes === undefined ? [] : [`database cache ${plan.databaseCacheMegabytes}`]),
    ...(plan.limitMegabytes === undefined ? [] : [`limit ${plan.limitMegabytes}`]),
  ]
  const shares = parts.length === 0 ? "the image's own sizes" : parts.join(', ')
  return ok(`of ${machine.memoryMegabytes} MB the controller gets: ${shares}`)
}

function yesNo(value: boolean): string {
  return value ? 'yes' : 'no'
}

/** Stands for an engine that does not answer, where a look does not need one. */
const unknownEngine: EngineInfo = {
  kind: 'podman',
  version: 'unknown',
  socket: '',
  defaultRuntime: 'unknown',
  storageDirectory: '/',
  cgroupVersion: '2',
  memoryLimit: true,
  cpuLimit: true,
  processLimit: true,
}
