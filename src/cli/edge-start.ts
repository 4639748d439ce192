import { once } from 'node:events'
import { type CertificatePair, readCertificate } from '../config/certificate.ts'
import { type Config, configSchema } from '../config/schema.ts'
import { withDeadline } from '../core/deadline.ts'
import { ApplianceError, toFault } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { dropPrivileges } from '../core/privileges.ts'
import type { Handover } from '../run.ts'
import type { CliContext } from './context.ts'
import { loadConfigOf } from './load.ts'
import type { PlaceOptions } from './places.ts'
import { makeLogger } from './service.ts'

/** What an edge needs to know before it serves. */
export interface EdgeStart {
  readonly config: Config
  readonly logger: Logger
  readonly certificate: CertificatePair | undefined
}

/** Longest wait for the parent's first message, in milliseconds. */
const handoverDeadline = 10_000

/** An edge of its own: it reads the configuration itself. A certificate that it may not read is told and done without. */
export async function startAlone(context: CliContext, options: PlaceOptions): Promise<EdgeStart> {
  const { config } = await loadConfigOf(context, options)
  const logger = await makeLogger(context, config.log.level)
  const certificate = await readCertificate(config).catch((error: unknown) => {
    const { code, message, remedy } = toFault(error)
    logger.warn({ code, remedy }, message)
    return undefined
  })
  return { config, logger, certificate }
}

/**
 * The edge as the child of `omada-host run`: the parent reads what only root may read and hands it over, and the child
 * then becomes an ordinary user for good. Call it when every module is loaded: that user may not be able to read them.
 */
export async function startByHandover(context: CliContext): Promise<EdgeStart> {
  const { parent } = context
  if (parent === undefined) {
    throw new ApplianceError({
      code: 'USAGE',
      message: '--handover is for omada-host run, which starts the edge with a channel to talk over',
      remedy: 'omada-host edge, without --handover',
    })
  }
  const received = new EventTarget()
  let message: unknown
  parent.onMessage((first) => {
    message ??= first
    received.dispatchEvent(new Event('message'))
  })
  await once(received, 'message', { signal: withDeadline(handoverDeadline, context.signal) })
  // The parent is this same program: only the configuration is checked, for its type.
  const handover = message as Handover
  const config = configSchema.parse(handover.config)
  dropPrivileges(handover.user)
  return { config, logger: await makeLogger(context, config.log.level), certificate: handover.certificate }
}
