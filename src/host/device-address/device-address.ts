import { Alarm } from '../../core/alarm.ts'
import { Backoff } from '../../core/backoff.ts'
import type { Clock } from '../../core/clock.ts'
import { type Loop, loopOf } from '../../core/component.ts'
import { ApplianceError, type Fault, isAbort, toFault } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import { plainText } from '../../core/text.ts'
import type { WarningSource } from '../../core/warnings.ts'
import type { ToldAddresses } from '../../omada/open-api.ts'
import { type ControllerSettings, failed } from './open-api-client.ts'
import { deviceAddress, leadsHere, portalLeadsHere, type Ways } from './own-address.ts'

/** The owner said that the controller with this id tells its devices this address. */
export interface ConfirmedAddress {
  readonly omadacId: string
  readonly address: string
}

export interface DeviceAddressOptions {
  readonly logger: Logger
  readonly clock: Clock
  readonly warnings: WarningSource
  /** Looks by which addresses of this machine devices can reach it. */
  readonly ways: () => Promise<Ways>
  /** The controller's id while it is ready. */
  readonly ready: () => string | undefined
  /** Of the controller with this id, by its Open API; undefined where that is not configured. */
  readonly settings: (omadacId: string) => ControllerSettings | undefined
  readonly confirmed: () => ConfirmedAddress | undefined
  /** Remembers over restarts. @throws ApplianceError RECORD_UNUSABLE */
  readonly confirm: (confirmed: ConfirmedAddress) => Promise<void>
}

/** How often it is looked whether the address is still one of this machine's, in milliseconds. */
const lookMilliseconds = 15_000

/** How often it is looked whether the setting still stands, in milliseconds: somebody may change it in the controller. */
const keepMilliseconds = 600_000

/** The longest pause after what did not work, in milliseconds: the user mends it in the controller or in a file. */
const retryMilliseconds = 120_000

/** Of a setting that the controller told, in characters. */
const maxShown = 64

const instance = 'told'

/**
 * Whether devices are told an address by which they reach this machine. The controller infers what it tells them from its
 * own interfaces, and in the container's network that is an address which nobody reaches: adopted devices go offline one
 * after the other, days later. By the Open API it is set and seen; without it is unknown until the owner confirms it.
 */
export class DeviceAddress implements Loop {
  readonly name = 'device-address'
  readonly #options: DeviceAddressOptions
  readonly #wake: Alarm
  readonly #loop = loopOf(this.name, (signal) => this.#run(signal))
  readonly #retry = new Backoff({ initialMilliseconds: lookMilliseconds, maxMilliseconds: retryMilliseconds })
  #readyId: string | undefined
  /** For what the settings were asked last, and when they are to be asked again although it is the same. */
  #asked = { about: '', againAt: Number.NEGATIVE_INFINITY }

  constructor(options: DeviceAddressOptions) {
    this.#options = options
    this.#wake = new Alarm(options)
  }

  start(signal: AbortSignal): Promise<void> {
    return this.#loop.start(signal)
  }

  stop(): Promise<void> {
    return this.#loop.stop()
  }

  /** The probes have news: what has just become ready is looked at at once. */
  probed(): void {
    const id = this.#options.ready()
    if (id !== this.#readyId) this.#wake.ring()
    this.#readyId = id
  }

  /**
   * The owner has set `value` in the controller.
   * @throws ApplianceError COMMAND_REFUSED where it is not the address to set, RECORD_UNUSABLE
   */
  async acknowledge(value: string | undefined): Promise<{ message: string }> {
    const { ready, confirm } = this.#options
    const omadacId = ready()
    if (omadacId === undefined) {
      throw refused('the controller is not ready', 'try again when it is: omada-host status')
    }
    const ways = await this.#options.ways()
    const address = deviceAddress(ways)
    if (value === undefined) {
      const command = `omada-host acknowledge DEVICE_ADDRESS ${address ?? 'ADDRESS'}`
      throw refused('the address that was set in the controller is missing', `name it: ${command}`)
    }
    if (!leadsHere(value, ways)) {
      const message = `devices do not reach this machine by ${value}, as far as it knows`
      throw refused(
        message,
        `set ${address ?? "this machine's address"} in the controller, or network.deviceAddress: ${value} if it is right, and reload (systemctl reload omada-host)`,
      )
    }
    await confirm({ omadacId, address: value })
    this.#judge(omadacId, ways)
    return { message: `DEVICE_ADDRESS is acknowledged: devices are told ${value}` }
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#look(signal)
      } catch (error) {
        if (!isAbort(error)) this.#options.logger.warn({ err: error }, 'the address for devices was not found out')
      }
      await this.#wake.sleep(lookMilliseconds, signal).catch(() => {})
    }
  }

  /** While the controller is not ready, what was found last stands. */
  async #look(signal: AbortSignal): Promise<void> {
    const { ready, settings } = this.#options
    const omadacId = ready()
    if (omadacId === undefined) return
    const ways = await this.#options.ways()
    const open = settings(omadacId)
    if (open === undefined) this.#judge(omadacId, ways)
    else await this.#keep(open, omadacId, ways, signal)
  }

  /** Sets what is wrong, sees that it was done, and looks again now and then. */
  async #keep(settings: ControllerSettings, omadacId: string, ways: Ways, signal: AbortSignal): Promise<void> {
    const { clock, logger, warnings } = this.#options
    const address = deviceAddress(ways)
    const about = `${omadacId} ${address}`
    if (address === undefined) return
    if (about === this.#asked.about && clock.now() < this.#asked.againAt) return
    try {
      const before = await settings.read(signal)
      const wrong = wrongIn(before, address, ways)
      if (wrong.device !== undefined || wrong.portal !== undefined) {
        await settings.write(wrong, signal)
        const after = await settings.read(signal)
        const still = wrongIn(after, address, ways)
        if (still.device !== undefined || still.portal !== undefined) {
          throw failed(
            `it was told ${address}, but devices are told ${shown(after.device)} and guests ${shown(after.portal)}`,
          )
        }
        logger.info({ before, after }, 'the controller was set to tell its devices the address of this machine')
      }
      this.#retry.reset()
      this.#asked = { about, againAt: clock.now() + keepMilliseconds }
      warnings.clear(instance)
    } catch (error) {
      signal.throwIfAborted()
      this.#asked = { about, againAt: clock.now() + this.#retry.next() }
      warnings.raise(instance, toFault(error))
    }
  }

  #judge(omadacId: string, ways: Ways): void {
    const { confirmed, warnings } = this.#options
    this.#asked = { about: '', againAt: Number.NEGATIVE_INFINITY }
    const known = confirmed()
    const told = known?.omadacId === omadacId ? known.address : undefined
    if (told !== undefined && leadsHere(told, ways)) warnings.clear(instance)
    else warnings.raise(instance, unknownAddress(deviceAddress(ways), told))
  }
}

/** What is to be set anew. */
function wrongIn({ device, portal }: ToldAddresses, address: string, ways: Ways): ToldAddresses {
  // One that leads here stays, by whichever address devices happen to come at this moment.
  const deviceRight = device !== undefined && leadsHere(device, ways)
  const portalRight = portal !== undefined && portalLeadsHere(portal, ways)
  return { device: deviceRight ? undefined : address, portal: portalRight ? undefined : address }
}

function shown(address: string | undefined): string {
  return address === undefined ? 'nothing that was set' : plainText(address, maxShown)
}

/** @param before what was confirmed and is no address of this machine any more */
function unknownAddress(address: string | undefined, before: string | undefined): Fault {
  const value = address ?? "this machine's address"
  // Short enough to be whole in systemd's line.
  return {
    code: 'DEVICE_ADDRESS',
    message:
      before === undefined
        ? "which address the controller tells devices and guests is unknown; unset it is the container's, and devices go offline after days"
        : `devices were told ${before}, by which they do not reach this machine any more`,
    remedy: `set Device Management Host and Portal Host to ${value} in the controller (Global View > Settings > Controller Settings), then: omada-host acknowledge DEVICE_ADDRESS ${address ?? 'ADDRESS'}`,
  }
}

function refused(message: string, remedy: string): ApplianceError {
  return new ApplianceError({ code: 'COMMAND_REFUSED', message, remedy })
}
