import { ApplianceError } from '../../core/errors.ts'
import type { ContainerSpec, EngineContainer, EngineImage, EngineNetwork, NetworkSpec } from '../engine/engine.ts'
import { changedNames } from './settings.ts'
import { type Desired, labels } from './spec.ts'

/** What the engine has of what the configuration names. */
export interface Observed {
  readonly image: EngineImage | undefined
  readonly network: EngineNetwork | undefined
  readonly container: EngineContainer | undefined
}

/** What is wanted beyond the specification. */
export interface Intent {
  /** `restart` is `run` for a container that has to be stopped first. */
  readonly run: 'run' | 'restart'
  readonly pull: 'missing' | 'always' | 'never'
  /** Whether an `always` pull has been done for this start. */
  readonly pulled: boolean
  /** How long a container that died has to wait for its restart; 0 when it need not. */
  readonly restartInMilliseconds: number
  /** What is there has our labels, but somebody else made it. */
  readonly replaced: boolean
  /** A controller that is ready, and that is not remembered yet as the one in its place. */
  readonly unremembered?: string | undefined
}

/** One step towards the desired state; `steps.ts` says how each is taken. */
export type Step =
  /** `optional`: go on with the image at hand when the registry does not answer. */
  | { readonly kind: 'pull'; readonly image: string; readonly optional: boolean }
  | { readonly kind: 'create-network'; readonly spec: NetworkSpec }
  | { readonly kind: 'remove-network'; readonly name: string }
  | { readonly kind: 'create'; readonly spec: ContainerSpec }
  /** Looks into the data of a container that does not run, for what would make its start a mistake. */
  | { readonly kind: 'check-data'; readonly container: string }
  /** Notes which controller is in which place. */
  | { readonly kind: 'remember'; readonly id: string; readonly omadacId: string }
  /** `fresh`: nothing has ever run in it. */
  | { readonly kind: 'start'; readonly container: string; readonly fresh: boolean }
  | { readonly kind: 'stop'; readonly id: string }
  | { readonly kind: 'remove'; readonly id: string }
  | { readonly kind: 'wait'; readonly milliseconds: number }

/** How long to wait for a container that is on its way to another status. */
const transientMilliseconds = 1000

/**
 * The steps from what is observed to what is desired; none when they agree. Pure. A container that runs is never stopped
 * before the image for its successor is there, and never because its tag moved: only a start takes the newer image.
 * @throws ApplianceError CONTAINER_NAME_TAKEN, NETWORK_MISMATCH or IMAGE_MISSING when no step is safe
 */
export function planSteps(desired: Desired, observed: Observed, intent: Intent): readonly Step[] {
  const { container } = observed
  if (container !== undefined && !isOurs(container)) {
    const { name } = desired.container
    throw new ApplianceError({
      code: 'CONTAINER_NAME_TAKEN',
      message: `a container named ${name} exists that omada-host did not make; it is left alone`,
      remedy: `set controller.name to another name, or rename it: ${desired.engine} rename ${name} ${name}-old`,
    })
  }
  if (container?.status === 'transient') return [{ kind: 'wait', milliseconds: transientMilliseconds }]
  const runs = isRunning(container)
  const likeness = container === undefined ? 'other' : likenessOf(container, desired)
  if (runs && likeness !== 'other' && intent.run === 'run') {
    return [...repairNetwork(desired, observed), ...planRemember(container, intent)]
  }
  const same = likeness === 'same' && !intent.replaced
  if (!runs && intent.restartInMilliseconds > 0 && same)
    return [{ kind: 'wait', milliseconds: intent.restartInMilliseconds }]

  // The image first, while what runs still runs; the plan after that sees what came.
  const pull = planPull(desired, observed, intent)
  if (pull.length > 0) return pull
  const stop: Step[] = runs ? [{ kind: 'stop', id: container.id }] : []
  const network = planNetwork(desired, observed)
  if (container !== undefined && same && network.length === 0 && container.imageId === observed.image?.id) {
    const { id, startedAt } = container
    return [
      ...stop,
      { kind: 'check-data', container: id },
      { kind: 'start', container: id, fresh: startedAt === undefined },
    ]
  }
  const remove: Step[] = container === undefined ? [] : [{ kind: 'remove', id: container.id }]
  const spec = withImage(desired.container, observed.image)
  return [
    ...stop,
    ...remove,
    ...network,
    { kind: 'create', spec },
    { kind: 'check-data', container: spec.name },
    { kind: 'start', container: spec.name, fresh: true },
  ]
}

/**
 * The steps to a controller that does not run, and with `remove` has no container either; its volumes stay. A container
 * that is not ours is not ours to stop. Pure.
 */
export function planStop({ container }: Pick<Observed, 'container'>, remove = false): readonly Step[] {
  if (container === undefined || !isOurs(container)) return []
  if (container.status === 'transient') return [{ kind: 'wait', milliseconds: transientMilliseconds }]
  const { id } = container
  return [
    ...(isRunning(container) ? [{ kind: 'stop', id } as const] : []),
    ...(remove ? [{ kind: 'remove', id } as const] : []),
  ]
}

/** Whether it has processes: a paused one has, and must be stopped like one that runs. */
export function isRunning(container: EngineContainer | undefined): container is EngineContainer {
  return container?.status === 'running' || container?.status === 'paused'
}

/** Made by this program, whatever its version and specification. */
export function isOurs(container: EngineContainer): boolean {
  return container.labels[labels.spec] !== undefined
}

/**
 * How a container of ours compares to what is wanted. `outdated`: it differs only because another version of this program
 * made it, from the same choices of the user. That is no reason to stop it; its next start makes it anew.
 */
export type Likeness = 'same' | 'outdated' | 'other'

export function likenessOf({ labels: made }: EngineContainer, { container, settings }: Desired): Likeness {
  const wanted = container.labels
  if (made[labels.spec] === wanted[labels.spec]) return 'same'
  const { [labels.chosen]: chosen = wanted[labels.chosen] } = made
  if (chosen !== wanted[labels.chosen]) return 'other'
  return made[labels.version] !== wanted[labels.version] || onlyKeptDiffer(made, settings) ? 'outdated' : 'other'
}

/** What stands for keys that are left open, and is kept in our record: another one there, or none, is nobody's wish. */
const kept: ReadonlySet<string> = new Set(['image', 'subnet', 'address'])

function onlyKeptDiffer(
  { [labels.settings]: label }: EngineContainer['labels'],
  settings: Desired['settings'],
): boolean {
  const changed = label === undefined ? [] : changedNames(label, settings)
  return changed.length > 0 && changed.every((name) => kept.has(name))
}

function withImage(spec: ContainerSpec, image: EngineImage | undefined): ContainerSpec {
  return image === undefined ? spec : { ...spec, labels: { ...spec.labels, [labels.image]: image.id } }
}

function planPull(desired: Desired, observed: Observed, intent: Intent): Step[] {
  const { image } = desired.container
  const present = observed.image !== undefined
  if (intent.pull === 'always' && !intent.pulled) return [{ kind: 'pull', image, optional: present }]
  if (present) return []
  if (intent.pull !== 'never') return [{ kind: 'pull', image, optional: false }]
  throw new ApplianceError({
    code: 'IMAGE_MISSING',
    message: `the image ${image} is not on this machine and controller.pull is never`,
    remedy: `omada-host pull, or load the image yourself, or set controller.pull: missing`,
  })
}

function planRemember({ id, status }: EngineContainer, { unremembered }: Intent): Step[] {
  return unremembered === undefined || status !== 'running' ? [] : [{ kind: 'remember', id, omadacId: unremembered }]
}

/** A container that runs keeps its namespace when somebody removes its network; the network is there again for the next start. */
function repairNetwork(desired: Desired, observed: Observed): Step[] {
  return observed.network === undefined && observed.container?.networks.includes(desired.network.name) === true
    ? [{ kind: 'create-network', spec: desired.network }]
    : []
}

function planNetwork({ network, engine }: Desired, observed: Observed): Step[] {
  const found = observed.network
  if (found === undefined) return [{ kind: 'create-network', spec: network }]
  if (found.subnet === network.subnet && found.driver === 'bridge') return []
  if (found.labels[labels.version] !== undefined) {
    return [
      { kind: 'remove-network', name: network.name },
      { kind: 'create-network', spec: network },
    ]
  }
  throw new ApplianceError({
    code: 'NETWORK_MISMATCH',
    message: `the network ${network.name} exists with ${found.driver} ${found.subnet ?? 'and no subnet'}, not with network.subnet ${network.subnet}, and omada-host did not make it`,
    remedy: `set network.name to another name, network.subnet to ${found.subnet ?? 'its subnet'}, or remove it: ${engine} network rm ${network.name}`,
  })
}
