import { readCertificate } from '../config/certificate.ts'
import { toFault } from '../core/errors.ts'
import type { CliContext } from './context.ts'
import type { EdgeStart } from './edge-handover.ts'
import { loadConfigOf } from './load.ts'
import type { PlaceOptions } from './places.ts'
import { makeLogger } from './service.ts'

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
