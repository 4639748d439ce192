import { ApplianceError, type Fault } from '../../core/errors.ts'
import { parseObject, plainText } from '../../core/text.ts'
import type { PullLayer } from '../../ipc/host-state.ts'
import type { EngineKind, PullUpdate } from './engine.ts'
import { registryFault } from './registry-fault.ts'
import { linesOf } from './streams.ts'

/** One line of `POST /images/create`'s answer, as both engines send it. */
interface PullLine {
  readonly id?: unknown
  readonly status?: unknown
  readonly error?: unknown
  readonly progressDetail?: { readonly current?: unknown; readonly total?: unknown }
}

/** More layers than this are not followed; no image has as many. */
const maxLayers = 256

const layerDone = new Set(['Download complete', 'Pull complete', 'Already exists', 'Layer already exists'])

/** The progress of one pull, fed with the lines of the engine's answer. */
export class PullProgressTracker {
  readonly #layers = new Map<string, PullLayer>()

  /** Takes one line. Returns whether it changed anything. */
  take(line: PullLine): boolean {
    const { id, status } = line
    if (typeof id !== 'string' || typeof status !== 'string') return false
    // `Pulling from mbentley/…` carries the tag as its id.
    if (status.startsWith('Pulling from')) return false
    const known = this.#layers.get(id)
    if (known === undefined && this.#layers.size >= maxLayers) return false
    const before = known ?? { id: plainText(id, 80), current: 0, total: 0, done: false }
    const current = line.progressDetail?.current
    const total = line.progressDetail?.total
    // Docker counts the bytes again while it extracts: downloading is what takes the time that a user waits for.
    const counts = status === 'Downloading' && typeof current === 'number' && typeof total === 'number' && total > 0
    const done = layerDone.has(status) || before.done
    const size = counts ? total : before.total
    this.#layers.set(id, { ...before, total: size, current: done ? size : counts ? current : before.current, done })
    return true
  }

  update(): PullUpdate {
    const layers = [...this.#layers.values()]
    return {
      current: layers.reduce((sum, layer) => sum + layer.current, 0),
      total: layers.reduce((sum, layer) => sum + layer.total, 0),
      layers,
    }
  }
}

/**
 * Follows the answer of a pull to its end.
 * @throws ApplianceError when a line tells an error, which engines send under HTTP 200
 */
export async function followPull(
  stream: AsyncIterable<Buffer>,
  reference: string,
  onProgress: (update: PullUpdate) => void,
  onActivity: () => void,
  kind: EngineKind = 'podman',
): Promise<void> {
  const tracker = new PullProgressTracker()
  for await (const text of linesOf(stream)) {
    onActivity()
    const line = parseObject(text) as PullLine | undefined
    // An error too long to be kept whole is an error all the same.
    const error = line === undefined && text.includes('"error"') ? text : line?.error
    if (typeof error === 'string') throw new ApplianceError(pullFault(error, reference, kind))
    if (line !== undefined && tracker.take(line)) onProgress(tracker.update())
  }
}

const diskFull = /no space left on device/i
const noSuchArchitecture = /no image found in (?:manifest list|image index)|no matching manifest for/i
const notFound = /manifest unknown|not found|name unknown|does not exist|repository name not known/i
/** What an engine's message about a failed pull means. The wordings are containers/image's, Docker's and Go's. */
export function pullFault(engineMessage: string, reference: string, kind: EngineKind = 'podman'): Fault {
  const message = plainText(engineMessage, 600)
  if (diskFull.test(message)) {
    return {
      code: 'DISK_FULL',
      message: `the disk is full, so ${reference} could not be pulled (${message})`,
      remedy: `free space where the engine stores images: ${kind} system df, ${kind} image prune`,
    }
  }
  if (noSuchArchitecture.test(message)) {
    return {
      code: 'IMAGE_ARCHITECTURE',
      message: `${reference} does not exist for this machine's processor (${message})`,
      remedy: 'choose another tag with controller.image',
    }
  }
  const ofRegistry = registryFault(message, reference, kind)
  if (ofRegistry !== undefined && (ofRegistry.code !== 'REGISTRY_UNREACHABLE' || !notFound.test(message)))
    return ofRegistry
  if (notFound.test(message)) {
    return {
      code: 'IMAGE_NOT_FOUND',
      message: `the registry does not have ${reference} (${message})`,
      remedy:
        'correct controller.image; tags are listed by: skopeo list-tags docker://docker.io/mbentley/omada-controller',
    }
  }
  return {
    code: 'IMAGE_PULL_FAILED',
    message: `${reference} could not be pulled: ${message}`,
    remedy: 'it is tried again by itself; see what the engine logs if it goes on',
  }
}
