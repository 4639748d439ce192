import type { HostConfig } from '../../config/schema.ts'
import { parseIpv4Network } from '../../core/cidr.ts'
import type { Clock } from '../../core/clock.ts'
import type { Fault } from '../../core/errors.ts'
import { dataDirectory as inContainer } from '../../omada/image-contract.ts'
import { type Engine, type EngineContainer, type EngineInfo, mountSource } from '../engine/engine.ts'
import { judgeDirectories } from './data-obstacles.ts'
import type { MachineFacts } from './machine.ts'
import { isOurs, type Observed } from './plan.ts'
import { containerPlace, preflight } from './preflight.ts'
import { architectureFault } from './puller.ts'
import type { ApplianceRecord } from './record.ts'

/** What the engine has, and the digest of the image that our container runs or, without one, would run. */
export interface Observation extends Observed {
  readonly digest: string | undefined
  /** Where the configured data are on this machine; undefined for a volume that is not made yet. */
  readonly dataDirectory: string | undefined
}

/** Looks at all that the configuration names. */
async function observe(engine: Engine, config: HostConfig, signal: AbortSignal): Promise<Observation> {
  const { dataVolume } = config.controller
  const [image, network, container, dataDirectory] = await Promise.all([
    engine.image(config.controller.image, signal),
    engine.network(config.network.name, signal),
    engine.container(config.controller.name, signal),
    dataVolume.startsWith('/') ? dataVolume : engine.volumeDirectory(dataVolume, signal),
  ])
  const runs = container !== undefined && isOurs(container) ? container.imageId : undefined
  const own = runs === undefined || runs === image?.id ? image : await engine.image(runs, signal)
  return { image, network, container, digest: own?.digests[0], dataDirectory }
}

/** How long a removal may follow the end of a container: Podman 5.4 was seen to take some 200 milliseconds. */
const settlingMilliseconds = 1000

/** The shell's way to say that a signal ended a process: 128 and its number. */
const bySignal = 128

/**
 * Looks, and a moment later once more at a container that a signal has ended. Whoever removes a container or its network
 * stops the container first, so it may be gone by then, and what was removed has not died. `died` says whether the end of
 * a container would be a death.
 */
export async function observeSettled(options: {
  engine: Engine
  config: HostConfig
  clock: Clock
  died: (container: EngineContainer) => boolean
  signal: AbortSignal
}): Promise<Observation> {
  const { engine, config, clock, died, signal } = options
  const observed = await observe(engine, config, signal)
  const { container } = observed
  if (container === undefined || container.exitCode <= bySignal || !died(container)) return observed
  await clock.sleep(settlingMilliseconds, signal)
  return await observe(engine, config, signal)
}

/** Everything that would keep the controller from working, asked of the machine as it is now. */
export async function findObstacles(options: {
  config: HostConfig
  engine: EngineInfo
  machine: MachineFacts
  observed: Observation
  record: ApplianceRecord
  signal: AbortSignal
}): Promise<readonly Fault[]> {
  const { config, engine, machine, observed, record, signal } = options
  const { image, network, container } = observed
  const { image: reference, dataVolume } = config.controller
  const own = config.mongo.uri === undefined
  const path = own ? mountSource(container?.mounts, inContainer, dataVolume) : undefined
  const data = path === undefined ? undefined : { path, freeMegabytes: await machine.freeMegabytes(path) }
  const routes = await machine.routes()
  const wanted = config.network.subnet
  const place = containerPlace(config)
  const way = await machine.containerWay({ ...place, bridge: network?.bridge ?? place.bridge }, signal)
  const wrong = image && architectureFault(reference, image, machine.architecture)
  const subnet = parseIpv4Network(wanted)
  const networkPresent = network?.subnet === wanted
  return [
    ...preflight({
      config,
      engine,
      machine,
      // One that is wider than ours, such as a VPN's that came later, takes no traffic from a network that is there.
      allRoutes: routes,
      routes: routes.filter(({ prefix }) => !networkPresent || prefix >= (subnet?.prefix ?? 0)),
      containerWay: way,
      freeMegabytes: await machine.freeMegabytes(engine.storageDirectory),
      data,
      imagePresent: image !== undefined,
      networkPresent,
    }),
    ...(wrong === undefined ? [] : [wrong]),
    ...(await judgeDirectories({ config, machine, data: observed.dataDirectory, record })),
  ]
}
