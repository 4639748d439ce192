import type { Fault } from '../../core/errors.ts'
import type { EngineContainer } from '../engine/engine.ts'
import { isOurs, isRunning, type Observed } from './plan.ts'
import { labels } from './spec.ts'
import { type ControllerState, ownContainer } from './state.ts'

/** What somebody else did to our container since it was looked at last. */
export interface DeedOfOthers {
  /** For the history; absent where nobody saw it happen. */
  readonly message?: string
  /** What is to be made of it: that there is none of ours any more, or that what is there is not the one that we made. */
  readonly outcome:
    | { readonly kind: 'unmade' }
    | { readonly kind: 'replaced'; readonly id: string; readonly fault: Fault }
}

/** What the record, of all that we did and saw until now, does not explain of what is seen now. Pure. */
export function deedOfOthers(state: ControllerState, { container }: Observed): DeedOfOthers | undefined {
  const { made } = state
  if (container === undefined) {
    return made === undefined
      ? undefined
      : { message: 'somebody else removed or renamed the container', outcome: { kind: 'unmade' } }
  }
  if (!isOurs(container) || container.id === made) return undefined
  const replaced = { kind: 'replaced', id: container.id, fault: replacedFault(container) } as const
  if (made !== undefined) return { message: 'somebody else removed the container and made another', outcome: replaced }
  return isRemembered(state, container) && hasOwnImage(container) ? undefined : { outcome: replaced }
}

/** Whether somebody else started what we do not want to run, or gave up. Pure. */
export function startedByOthers(state: ControllerState, { container }: Observed): boolean {
  const before = ownContainer(state)
  const resting = state.stage === 'stopped' || state.stage === 'failed'
  return resting && before !== undefined && before.id === container?.id && !isRunning(before) && isRunning(container)
}

/** Of a container that another version made nothing is remembered: it may have been before there was a record. */
function isRemembered(
  { record }: ControllerState,
  { id, labels: { [labels.version]: version } }: EngineContainer,
): boolean {
  return record?.container?.version !== version || record?.container?.id === id
}

/** Whoever makes a container anew for a newer image copies its labels. */
function hasOwnImage({ imageId, labels: { [labels.image]: made = imageId } }: EngineContainer): boolean {
  return imageId === made
}

function replacedFault(container: EngineContainer): Fault {
  const what = hasOwnImage(container) ? '' : ', with another image'
  return {
    code: 'CONTAINER_REPLACED',
    message: `the controller runs in a container that somebody else made in the place of omada-host's${what}`,
    remedy:
      'keep the program that did it from this container (Watchtower and its like: an exception for it), then: omada-host restart, which makes the container anew',
  }
}
