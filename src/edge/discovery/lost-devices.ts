import { plainText } from '../../core/text.ts'
import type { WarningSource } from '../../core/warnings.ts'

/** One that is gone may have been taken away; two, while others are there, are a sign. */
const fewest = 2

const maxNamed = 3
/** Of a device's name, in characters. */
const maxName = 40

const instance = 'lost'

/**
 * Says that devices are gone as those are that were told an address which they do not reach.
 * @param lost with texts of the LAN
 */
export function tellOfLost(
  lost: readonly { readonly name: string; readonly address: string }[],
  warnings: WarningSource,
): void {
  if (lost.length < fewest) {
    warnings.clear(instance)
    return
  }
  const named = lost.slice(0, maxNamed).map(({ name, address }) => `${plainText(name, maxName)} (${address})`)
  const more = lost.length > maxNamed ? ` and ${lost.length - maxNamed} more` : ''
  warnings.raise(instance, {
    code: 'DEVICES_ASTRAY',
    message: `${named.join(', ')}${more} were connected and have neither announced themselves nor connected for ten minutes, while others do: they may have been told an address at which they do not reach the controller`,
    remedy:
      'if they have power and network, see Device Management Host in the controller (Global View > Settings > Controller Settings): it is to be the address of this machine on their network',
  })
}
