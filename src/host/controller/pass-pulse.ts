import type { LiveConfig } from '../../config/schema.ts'
import type { Clock } from '../../core/clock.ts'
import { Pulse } from '../../core/pulse.ts'

/**
 * Longest silence of a pass beyond the grace, in milliseconds: more than the engine's deadlines, a pull's pause between two
 * tries, and the longest pull without a byte.
 */
const passSilence = 900_000
/** How late the next pass may be, in milliseconds. */
const lateness = 60_000

/** The reconciler's life signs: each pass, each thing done in it and each rest. */
export class PassPulse {
  readonly #live: () => LiveConfig
  readonly #pulse: Pulse

  constructor(options: { live: () => LiveConfig; clock: Clock }) {
    this.#live = options.live
    this.#pulse = new Pulse(options)
  }

  /** See `Pulse.dueBy`. */
  get dueBy(): number {
    return this.#pulse.dueBy
  }

  working(): void {
    this.#pulse.promise(this.#live().controller.stopGraceSeconds * 1000 + passSilence)
  }

  resting(milliseconds: number): void {
    this.#pulse.promise(milliseconds + lateness)
  }
}
