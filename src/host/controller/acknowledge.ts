import { ApplianceError } from '../../core/errors.ts'
import { placeCodes } from './data-place.ts'
import type { ApplianceRecord } from './record.ts'

/**
 * What the record becomes when the user acknowledges a problem. Pure.
 * @param context.standing the codes of what is wrong with the controller now
 * @param context.place of the data, as configured
 * @throws ApplianceError COMMAND_REFUSED where no problem of this code waits for it
 */
export function acknowledge(
  code: string,
  context: { standing: readonly (string | undefined)[]; record: ApplianceRecord; place: string },
): { message: string; change: (record: ApplianceRecord) => ApplianceRecord } {
  const { standing, record, place } = context
  if (code === 'CONTROLLER_KILLED' && record.killed !== undefined) {
    return { message: 'CONTROLLER_KILLED is acknowledged', change: ({ killed: _, ...rest }) => rest }
  }
  if (placeCodes.some((known) => known === code) && standing.includes(code)) {
    return {
      message: `${code} is acknowledged: the controller begins with what is in ${place}`,
      change: ({ controller: _, ...rest }) => ({ ...rest, confirmedPlace: place }),
    }
  }
  throw new ApplianceError({
    code: 'COMMAND_REFUSED',
    message: `there is no problem ${code} that waits to be acknowledged`,
    remedy: 'see what is wrong: omada-host status',
  })
}
