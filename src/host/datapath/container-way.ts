import type { Clock } from '../../core/clock.ts'
import type { Loop } from '../../core/component.ts'
import type { Logger } from '../../core/logger.ts'
import { periodic } from '../../core/periodic.ts'
import type { WarningSource } from '../../core/warnings.ts'
import { type ContainerWay, wrongWay } from '../../network/way.ts'

/** How often it is looked at, in milliseconds: one short run of ip(8). */
const lookMilliseconds = 5000

/** What the warnings are about. */
const instance = 'way'

/** A container of ours that runs, and its place on this machine. */
export interface ContainerPlace {
  readonly name: string
  readonly subnet: string
  readonly controllerAddress: string
  readonly bridge: string
}

/** Says when Linux sends what is for the container another way than over its bridge, as long as it runs. */
export function containerWay(options: {
  readonly logger: Logger
  readonly clock: Clock
  readonly warnings: WarningSource
  /** The container's place while it runs. */
  readonly container: () => ContainerPlace | undefined
  /** `readContainerWay` but for tests. */
  readonly read: (place: ContainerPlace, signal: AbortSignal) => Promise<ContainerWay | undefined>
}): Loop {
  const { warnings, container, read } = options
  return periodic({
    ...{ ...options, name: 'container-way', intervalMilliseconds: lookMilliseconds },
    work: async (signal) => {
      const place = container()
      const way = place && (await read(place, signal))
      // It may have stopped meanwhile, and its bridge be gone with it.
      if (place === undefined || container()?.bridge !== place.bridge) return warnings.forget(instance)
      const fault = way && wrongWay(place, way)
      if (fault === undefined) warnings.clear(instance)
      else warnings.raise(instance, fault)
    },
  })
}
