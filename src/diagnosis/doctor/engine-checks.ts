import type { Config } from '../../config/schema.ts'
import { withDeadline } from '../../core/deadline.ts'
import type { ErrorCode } from '../../core/error-codes.ts'
import type { Fault } from '../../core/errors.ts'
import { bytes } from '../../core/format.ts'
import { type MachineFacts, readMachineFacts } from '../../host/controller/machine.ts'
import { preflight } from '../../host/controller/preflight.ts'
import { controllerPlaces, type Place } from '../../host/disks/storage-places.ts'
import { chooseEngine } from '../../host/engine/choose.ts'
import type { EngineInfo } from '../../host/engine/engine.ts'
import { planMemory } from '../../omada/memory.ts'
import { type Finding, faultFinding, runCheck } from '../finding.ts'

/** How long the engine may take to answer, in milliseconds: a socket-activated one starts first. */
const engineDeadline = 20_000

/** Which look of the preflight a fault belongs to. */
const looks = new Map<ErrorCode, string>([
  ['ENGINE_RUNTIME', 'runtime'],
  ['ENGINE_NO_CPU_LIMIT', 'limits'],
  ['ENGINE_NO_MEMORY_LIMIT', 'limits'],
  ['CPU_UNSUPPORTED', 'processor'],
  ['SUBNET_CLASH', 'subnet'],
  ['DISK_FULL', 'disk'],
])

/**
 * The engine, and the machine as the controller will find it; and where the controller writes. Looks that need no engine
 * are done without one too.
 */
export async function engineFindings(
  config: Config,
  signal: AbortSignal,
): Promise<{ readonly findings: readonly Finding[]; readonly places: readonly Place[] }> {
  const machine = await readMachineFacts()
  let engine: EngineInfo | undefined
  let imagePresent = false
  let networkPresent = false
  let places = controllerPlaces(config, {})
  const found = await runCheck(
    {
      name: 'engine',
      run: async () => {
        const bounded = withDeadline(engineDeadline, signal)
        const connected = await chooseEngine(config, { signal: bounded })
        engine = await connected.info(bounded)
        const network = await connected.network(config.network.name, bounded)
        networkPresent = network?.subnet === config.network.subnet
        imagePresent = (await connected.image(config.controller.image, bounded)) !== undefined
        const container = await connected.container(config.controller.name, bounded)
        places = controllerPlaces(config, {
          engineDirectory: engine.storageDirectory,
          ...(container === undefined ? {} : { mounts: container.mounts }),
        })
        const { kind, version, defaultRuntime, cgroupVersion } = engine
        const place = `${engine.socket}, runtime ${defaultRuntime}, cgroup v${cgroupVersion}`
        return [{ check: 'engine', status: 'ok', message: `${kind} ${version} on ${place}` }]
      },
    },
    signal,
  )
  const freeMegabytes = engine === undefined ? undefined : await machine.freeMegabytes(engine.storageDirectory)
  const facts = { config, machine, routes: await machine.routes(), freeMegabytes, imagePresent }
  const faults = preflight({ ...facts, networkPresent, engine: engine ?? unknownEngine(machine) })
  const memory = { name: 'memory', run: () => [checkMemory(config, machine, engine?.memoryLimit ?? false)] }
  return {
    findings: [...found, ...preflightFindings(faults, { ...facts, engine }), ...(await runCheck(memory, signal))],
    places,
  }
}

interface Looked {
  readonly config: Config
  readonly machine: MachineFacts
  readonly engine: EngineInfo | undefined
  readonly freeMegabytes: number | undefined
  readonly imagePresent: boolean
}

function preflightFindings(faults: readonly Fault[], looked: Looked): readonly Finding[] {
  const { config, machine, engine, freeMegabytes, imagePresent } = looked
  const fine: Readonly<Record<string, string | undefined>> = {
    runtime: engine && `${engine.defaultRuntime} works with this machine's cgroups`,
    limits:
      engine && `the engine can keep limits of memory: ${yesNo(engine.memoryLimit)}, of CPU: ${yesNo(engine.cpuLimit)}`,
    processor: `${machine.architecture}, good for ${config.controller.image}`,
    subnet: `${config.network.subnet} overlaps none of this machine's routes`,
    disk:
      freeMegabytes === undefined
        ? undefined
        : `${bytes(freeMegabytes * 2 ** 20)} free; the image is ${imagePresent ? 'on this machine' : 'still to be pulled'}`,
  }
  return Object.entries(fine).flatMap(([check, message]): Finding[] => {
    const own = faults.filter(({ code }) => looks.get(code) === check)
    if (message === undefined)
      return [{ check, status: 'unknown', message: 'could not check: the engine does not say' }]
    return own.length > 0 ? own.map((fault) => faultFinding(check, fault)) : [{ check, status: 'ok', message }]
  })
}

function checkMemory(config: Config, machine: MachineFacts, limitPossible: boolean): Finding {
  const check = 'memory'
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
  return { check, status: 'ok', message: `of ${machine.memoryMegabytes} MB the controller gets: ${shares}` }
}

function yesNo(value: boolean): string {
  return value ? 'yes' : 'no'
}

/** Stands for an engine that does not answer, where a look does not need one. */
function unknownEngine(machine: MachineFacts): EngineInfo {
  return {
    kind: 'podman',
    version: 'unknown',
    socket: '',
    architecture: machine.architecture,
    defaultRuntime: 'unknown',
    storageDirectory: '/',
    cgroupVersion: '2',
    memoryLimit: true,
    cpuLimit: true,
  }
}
