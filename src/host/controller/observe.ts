import type { HostConfig } from '../../config/schema.ts'
import { parseIpv4Network } from '../../core/cidr.ts'
import type { Clock } from '../../core/clock.ts'
import type { Fault } from '../../core/errors.ts'
import { dataDirectory } from '../../omada/image-contract.ts'
import type { Engine, EngineContainer, EngineInfo } from '../engine/engine.ts'
import { mountSource } from '../engine/mounts.ts'
import type { MachineFacts } from './machine.ts'
import { isOurs, type Observed } from './plan.ts'
import { preflight } from './preflight.ts'
import { architectureFault } from './puller.ts'

/** What the engine has, and the digest of the image that our container runs or, without one, would run. */
export interface Observation extends Observed {
  readonly digest: string | undefined
}

/** Looks at all that the configuration names. */
async function observe(engine: Engine, config: HostConfig, signal: AbortSignal): Promise<Observation> {
  const [image, network, container] = await Promise.all([
    engine.image(config.controller.image, signal),
    engine.network(config.network.name, signal),
    engine.container(config.controller.name, signal),
  ])
  const runs = container !== undefined && isOurs(container) ? container.imageId : undefined
  const own = runs === undefined || runs === image?.id ? image : await engine.image(runs, signal)
  return { image, network, container, digest: own?.digests[0] }
}

/** How long a removal may follow the end of a container, in milliseconds: Podman 5.4 was seen to take some 200. */
const settling = 1000

/** The shell's way to say that a signal ended a process: 128 and its number. */
const bySignal = 128

/**
 * The same, but one that was stopped or killed, and `died` of it, is looked at once more a moment later: who removes a
 * container, or the network it is in, stops it first, and that is no death.
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
  await clock.sleep(settling, signal)
  return await observe(engine, config, signal)
}

/** Everything that would keep the controller from working, asked of the machine as it is now. */
export async function findObstacles(options: {
  config: HostConfig
  engine: EngineInfo
  machine: MachineFacts
  observed: Observed
}): Promise<readonly Fault[]> {
  const { config, engine, machine, observed } = options
  const { image, network, container } = observed
  const path =
    config.mongo.uri === undefined
      ? mountSource(container?.mounts, dataDirectory, config.controller.dataVolume)
      : undefined
  const [routes, freeMegabytes, freeForData] = await Promise.all([
    machine.routes(),
    machine.freeMegabytes(engine.storageDirectory),
    path === undefined ? undefined : machine.freeMegabytes(path),
  ])
  const wrong =
    image === undefined ? undefined : architectureFault(config.controller.image, image, machine.architecture)
  const own = parseIpv4Network(config.network.subnet)
  const networkPresent = network?.subnet === config.network.subnet
  return [
    ...preflight({
      config,
      engine,
      machine,
      // A wider one, such as a VPN's that came later, takes nothing from a network that is there already.
      routes: routes.filter(({ prefix }) => !networkPresent || prefix >= (own?.prefix ?? 0)),
      freeMegabytes,
      ...(path === undefined ? {} : { data: { path, freeMegabytes: freeForData } }),
      imagePresent: image !== undefined,
      networkPresent,
    }),
    ...(wrong === undefined ? [] : [wrong]),
  ]
}
