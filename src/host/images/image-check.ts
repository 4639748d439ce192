import type { HostConfig, LiveConfig } from '../../config/schema.ts'
import { type Clock, isoTime } from '../../core/clock.ts'
import type { Loop } from '../../core/component.ts'
import { cronJob } from '../../core/cron-job.ts'
import { toFault } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import type { ImageCheck } from '../../ipc/host-state.ts'
import { parseImageReference } from '../../omada/image-reference.ts'
import { registryLogin } from './auth-file.ts'
import { newerTags } from './newer-tags.ts'
import { remoteDigests, remoteTags } from './skopeo.ts'

/** The image check, which looks by its schedule and when it is asked to. */
interface ImageCheckJob extends Loop {
  /** What the last check found, but no newer image of the tag when another one than then is in use now. */
  latest(): ImageCheck | undefined
  /** Looks now. A registry that does not answer is a fault in the result. */
  check(signal: AbortSignal): Promise<ImageCheck>
}

/**
 * Looks by schedule whether the configured tag points to a newer image and whether there are newer tags of its major
 * version. Only tells; changes nothing.
 */
export function imageCheckJob(options: {
  config: HostConfig
  live: () => LiveConfig
  logger: Logger
  clock: Clock
  /** Of the image in use, `sha256:…`. */
  currentDigest: () => string | undefined
  onResult: (check: ImageCheck) => void
  /** This machine's, by Go's name. */
  architecture: string
}): ImageCheckJob {
  const { logger, clock, currentDigest, architecture } = options
  const { image } = options.config.controller
  let last: { readonly check: ImageCheck; readonly digest: string | undefined } | undefined

  const check = async (signal: AbortSignal): Promise<ImageCheck> => {
    const checkedAt = isoTime(clock)
    const reference = parseImageReference(image)
    if (reference?.tag === undefined) return { checkedAt, newerTags: [] }
    const repository = `${reference.registry}/${reference.repository}`
    try {
      const { authFile } = options.live().images
      // A file that skopeo reads otherwise than a pull does is refused alike.
      if (authFile !== undefined) await registryLogin(authFile, image)
      const asked = { authFile, signal }
      const digests = await remoteDigests(`${repository}:${reference.tag}`, architecture, asked)
      const tags = newerTags(reference.tag, await remoteTags(repository, asked))
      const current = reference.digest ?? currentDigest()
      const moved = current !== undefined && !digests.includes(current)
      return { checkedAt, newerTags: tags, ...(moved ? { newDigest: digests[0] } : {}) }
    } catch (error) {
      signal.throwIfAborted()
      return { checkedAt, newerTags: [], fault: toFault(error) }
    }
  }
  const checkAndTell = async (signal: AbortSignal) => {
    const result = await check(signal)
    last = { check: result, digest: currentDigest() }
    if (result.fault !== undefined) logger.warn({ code: result.fault.code }, result.fault.message)
    if (result.newDigest !== undefined) logger.info(`a newer ${image} is there`)
    options.onResult(result)
  }
  const schedule = () => options.live().images.checkSchedule
  return {
    ...cronJob({ name: 'the image check', logger, clock, schedule, work: checkAndTell }),
    name: 'image-check',
    check,
    latest: () => {
      if (last === undefined || last.digest === currentDigest()) return last?.check
      const { newDigest: _, ...rest } = last.check
      return rest
    },
  }
}
