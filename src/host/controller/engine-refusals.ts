import type { HostConfig } from '../../config/schema.ts'
import { parseIpv4Network } from '../../core/cidr.ts'
import { ApplianceError, type Fault } from '../../core/errors.ts'
import type { Route } from '../../network/routes.ts'
import type { ContainerSpec } from '../engine/engine.ts'
import { missingDirectory } from './data-place.ts'
import { otherNetwork } from './preflight.ts'
import type { ApplianceRecord } from './record.ts'

// What an engine's refusals mean. It tells them by its words alone, which are those of the versions that were tried.

/** What netavark says on Podman 5 when something listens on port 53 of every address, as Pi-hole does by default. */
export const nameServerBlocked = /aardvark-dns failed|udp listener on \S+:53\b/i

export function says(error: unknown, words: RegExp): error is ApplianceError {
  return error instanceof ApplianceError && words.test(error.message)
}

/** The engine's error told by what it means; its own words come after that. */
function meaning(error: ApplianceError, fault: Fault): ApplianceError {
  return new ApplianceError({ ...fault, message: `${fault.message}: ${error.message}` }, { cause: error })
}

/** What both engines say of a directory to mount that is not there. */
const noDirectory = /no such file or directory|bind source path does not exist/i

/** @throws the engine's error of a container that was not made, or that a directory of the configuration is not there */
export function failCreate(
  error: unknown,
  { mounts }: Pick<ContainerSpec, 'mounts'>,
  { controller }: HostConfig,
  { record, engine }: { record: ApplianceRecord; engine: string },
): never {
  if (says(error, nameTaken)) throw meaning(error, nameTakenFault(error.message, controller.name, engine))
  if (isStorageDamaged(error)) failStorage(error, controller.image, engine)
  if (!says(error, noDirectory)) throw error
  const keys = ['dataVolume', 'logsVolume'] as const
  const key = keys.find((name) => {
    const path = controller[name]
    return (
      path?.startsWith('/') === true && error.message.includes(path) && mounts.some(({ source }) => source === path)
    )
  })
  if (key === undefined) throw error
  throw new ApplianceError(missingDirectory(`controller.${key}`, controller[key] ?? '', record), { cause: error })
}

/** Podman's storage (containers/storage) and Docker's daemon, of a name that is not free. */
const nameTaken = /container name \S+ is already in use by (?:container )?"?([0-9a-f]{12,64})/i

/** As after a power cut, or a build of Buildah's of that name: Podman lists neither. */
function nameTakenFault(said: string, name: string, engine: string): Fault {
  const id = nameTaken.exec(said)?.[1] ?? name
  return {
    code: 'CONTAINER_NAME_TAKEN',
    message: `the engine has the name ${name} (controller.name) in use for what it does not list, ${id.slice(0, 12)}`,
    remedy: `${engine} rm --force ${id}; or set controller.name to another name`,
  }
}

/** What engines do when the files of a layer are not what they were, seen with those removed on overlay … */
const usesLayer = /mounting storage for container|creating overlay mount|creating read-write layer/i
/** … and why it fails then, in the kernel's words: a disk that is full, or a right that lacks, damages nothing. */
const isMissingOrBroken = /no such file or directory|missing symlinks/i
const layerUnknown = /layer (?:not known|does not exist)/i

/** Whether a container's layer, or one of its image's, cannot be mounted any more. */
export function isStorageDamaged(error: unknown): error is ApplianceError {
  return says(error, layerUnknown) || (says(error, usesLayer) && isMissingOrBroken.test(error.message))
}

/** @throws what it means for the image, once a container that was made anew could not be mounted either */
export function failStorage(error: ApplianceError, image: string, engine: string): never {
  const repair = engine === 'podman' ? '; if that is not enough: podman system check --repair (from Podman 5.1 on)' : ''
  throw meaning(error, {
    code: 'ENGINE_STORAGE',
    message: `the engine's files of the image ${image} are damaged, as after a power cut`,
    remedy: `${engine} rmi --force ${image}, it is then pulled again by itself unless controller.pull is never${repair}`,
  })
}

/** The container that holds an address, by what netavark's allocation says; undefined where it does not say. */
export function addressHolder(error: unknown): string | undefined {
  return error instanceof ApplianceError
    ? /ip address \S+ is already allocated to container ID ([0-9a-f]{12,64})/i.exec(error.message)?.[1]
    : undefined
}

/** @throws the engine's error of a network that was not created, or that its subnet is taken */
export function failNetwork(error: unknown, subnet: string, routes: readonly Route[]): never {
  if (!says(error, /subnet .*already (?:used|in use)|pool overlaps/i)) throw error
  throw meaning(error, {
    code: 'SUBNET_CLASH',
    message: `network.subnet ${subnet} is taken`,
    remedy: otherNetwork([...routes, parseIpv4Network(subnet) ?? []].flat()),
  })
}

/** @throws the engine's error of a network that was not removed, or that others are on it */
export function failRemoval(error: unknown, name: string, engine: string): never {
  if (!(error instanceof ApplianceError) || error.code !== 'ENGINE_REQUEST') throw error
  throw meaning(error, {
    code: 'NETWORK_MISMATCH',
    message: `the network ${name} has another subnet than network.subnet, and cannot be made anew`,
    remedy: `take the other containers off it (${engine} network inspect ${name}), or set network.name to another name`,
  })
}

/** @throws the engine's error of a container that did not start, or that its port 53 or its address is taken */
export function failStart(error: unknown): never {
  if (says(error, nameServerBlocked)) {
    throw meaning(error, {
      code: 'PORT_IN_USE',
      message: "Podman's name server for the container's network cannot have port 53 of the bridge",
      remedy:
        "take other containers off the network and remove it (podman network rm), it is then made without; or let this machine's own DNS server listen on its own addresses only (dnsmasq, Pi-hole: bind-interfaces; AdGuard Home: dns.bind_hosts)",
    })
  }
  if (!says(error, /ip address .*already allocated|Address already in use/i)) throw error
  throw meaning(error, {
    code: 'NETWORK_MISMATCH',
    message: 'network.controllerAddress is held by another container',
    remedy: 'remove that container from the network, or set network.controllerAddress to another address',
  })
}
