import type { Fault, Reason } from '../../core/errors.ts'
import type { EngineContainer, EngineInfo, EngineKind } from '../engine/engine.ts'
import { type Deaths, noDeaths, type Verdict } from './deaths.ts'
import type { Observation } from './observe.ts'
import { isOurs, isRunning } from './plan.ts'
import type { PullEvent, PullUnderWay } from './puller.ts'
import { type ApplianceRecord, emptyRecord } from './record.ts'

/** What is wanted of the controller. `restart`: that it is stopped, and then runs. `end`: stopped, its container removed. */
export type Want = 'run' | 'restart' | 'stop' | 'end'

export function isStop(want: Want): boolean {
  return want === 'stop' || want === 'end'
}

/** How far the controller is. `up`: its container runs. */
export type Stage = 'pulling' | 'creating' | 'up' | 'stopping' | 'stopped' | 'failed'

/** All that the reconciler knows. Only `transition` makes a new one. Times are monotonic milliseconds. */
export interface ControllerState {
  readonly want: Want
  /** What is remembered from before; undefined until it was read. */
  readonly record: ApplianceRecord | undefined
  /** Why it could not be read or written. */
  readonly recordFault: Fault | undefined
  /** It could not be read, and may be a newer version's: nothing is written over it. */
  readonly recordUnreadable: boolean
  /** What the engine said of itself last; kept while it is away. */
  readonly engine: EngineInfo | undefined
  /** It was away since, and may have come back as another version or with another runtime. */
  readonly engineStale: boolean
  /** What the engine had at the last look. */
  readonly seen: Observation | undefined
  /** Id of the container that runs by our will: its end would be a death. */
  readonly watched: string | undefined
  /** Whether the controller has been ready since that container's start. */
  readonly wasReady: boolean
  /** Since when it is ready, or was last without a break; in monotonic milliseconds. */
  readonly readySince: number | undefined
  readonly readyNow: boolean
  readonly deaths: Deaths
  /** A container that died is not started again before. */
  readonly restartAt: number
  readonly logReadAt: number
  readonly logWarning: Fault | undefined
  /** Somebody else had the engine send it a signal. */
  readonly signalled: boolean
  /** Id of the container that we made, or found when we came. */
  readonly made: string | undefined
  /** Somebody else made what is in its place. */
  readonly replaced: Fault | undefined
  /** What runs was made by another version of this program, and is to be made anew at its next start. */
  readonly outdated: Fault | undefined
  readonly pulls: readonly PullUnderWay[]
  /** The image was pulled for the next start: `controller.pull: always` is satisfied. */
  readonly pulled: boolean
  /** Podman's name server was seen not to get port 53 of the bridge. */
  readonly nameServerBlocked: boolean
  /** What only the user can solve: nothing is tried until they ask. */
  readonly held: Fault | undefined
  readonly stage: Stage
  readonly reason: Reason
  /** Faults that keep nothing that runs from running. */
  readonly faults: readonly Fault[]
}

export const initialState: ControllerState = {
  want: 'run',
  record: undefined,
  recordFault: undefined,
  recordUnreadable: false,
  engine: undefined,
  engineStale: true,
  seen: undefined,
  watched: undefined,
  wasReady: false,
  readySince: undefined,
  readyNow: false,
  deaths: noDeaths,
  restartAt: 0,
  logReadAt: Number.NEGATIVE_INFINITY,
  logWarning: undefined,
  signalled: false,
  made: undefined,
  replaced: undefined,
  outdated: undefined,
  pulls: [],
  pulled: false,
  nameServerBlocked: false,
  held: undefined,
  stage: 'creating',
  reason: { message: 'looking for the container engine' },
  faults: [],
}

/** What changes the record. `at` is monotonic milliseconds. */
export type ControllerEvent =
  /** A request; whoever asks that it runs does not undo a restart that another one waits for. */
  | { readonly kind: 'asked'; readonly want: Want }
  /** What is remembered was read or changed; `fault` where its file could not be written. */
  | { readonly kind: 'recorded'; readonly record: ApplianceRecord; readonly fault?: Fault }
  | { readonly kind: 'record-unreadable'; readonly fault: Fault }
  | { readonly kind: 'engine-told'; readonly engine: EngineInfo }
  | { readonly kind: 'seen'; readonly observation: Observation }
  /** Our container was seen to run, perhaps one that was there before us. `ready`: by the probes, now. */
  | { readonly kind: 'runs'; readonly id: string; readonly ready: boolean; readonly at: number }
  /** The log of a controller that runs and is not ready was read; `warning` where that says what is wrong. */
  | { readonly kind: 'log-read'; readonly warning: Fault | undefined; readonly at: number }
  | { readonly kind: 'died'; readonly verdict: Verdict; readonly deaths: Deaths; readonly at: number }
  /** What runs is as the configuration wants it, or, if `outdated` says so, as another version of this program made it. */
  | { readonly kind: 'as-wanted'; readonly outdated: Fault | undefined }
  /** A step begins. `beside`: what runs goes on running beside it. */
  | { readonly kind: 'step'; readonly stage: Stage; readonly doing: string; readonly beside: boolean }
  | PullEvent
  /** The configured image was pulled. */
  | { readonly kind: 'pulled' }
  /** The engine sent our container a signal, for whomever. */
  | { readonly kind: 'signalled' }
  | { readonly kind: 'made'; readonly id: string }
  /** The container was removed, by whomever. */
  | { readonly kind: 'unmade' }
  | { readonly kind: 'replaced'; readonly id: string; readonly fault: Fault }
  | { readonly kind: 'started'; readonly id: string | undefined; readonly at: number }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'name-server-blocked' }
  /** Nothing is left to do. */
  | { readonly kind: 'reached' }
  /** A pass failed. `away`: with the engine, so that the controller itself may be as it was. */
  | { readonly kind: 'failed'; readonly faults: readonly Fault[]; readonly away: boolean }

type EventOf<Kind extends ControllerEvent['kind']> = Extract<ControllerEvent, { kind: Kind }>

/** What no other try will change: only the user's next request takes it up again. */
const permanent = new Set<Fault['code']>(['IMAGE_NOT_FOUND', 'IMAGE_ARCHITECTURE'])

const unwatched = {
  watched: undefined,
  wasReady: false,
  readySince: undefined,
  readyNow: false,
  logWarning: undefined,
  outdated: undefined,
  signalled: false,
} as const

const up = { stage: 'up', reason: { message: 'the container runs' } } as const

/** The record after an event. Pure: the one place where it changes. */
export function transition(state: ControllerState, event: ControllerEvent): ControllerState {
  switch (event.kind) {
    case 'asked': {
      const want = event.want === 'run' && state.want === 'restart' ? 'restart' : event.want
      if (isStop(want)) return { ...state, want }
      return { ...state, want, held: undefined, pulled: false, deaths: noDeaths, restartAt: 0 }
    }
    case 'recorded':
      return { ...state, record: event.record, recordFault: state.recordUnreadable ? state.recordFault : event.fault }
    case 'record-unreadable':
      return { ...state, record: emptyRecord, recordFault: event.fault, recordUnreadable: true }
    case 'engine-told':
      return { ...state, engine: event.engine, engineStale: false }
    case 'seen': {
      // What does not run need not be stopped before it is started.
      const idle = state.want === 'restart' && !isRunning(event.observation.container)
      const seen = { ...state, seen: event.observation, want: idle ? ('run' as const) : state.want }
      return { ...seen, made: state.made ?? ownContainer(seen)?.id }
    }
    case 'runs': {
      const watching = state.watched === event.id ? state : watch(state, event)
      if (!event.ready) return { ...watching, readyNow: false }
      const readySince = watching.readyNow ? watching.readySince : event.at
      return { ...watching, wasReady: true, readyNow: true, readySince, logWarning: undefined }
    }
    case 'log-read':
      return { ...state, logReadAt: event.at, logWarning: event.warning ?? state.logWarning }
    case 'died':
      return died(state, event)
    case 'as-wanted':
      return { ...state, held: undefined, outdated: event.outdated }
    case 'step':
      if (event.beside && runs(state)) return state
      return {
        ...state,
        stage: isStop(state.want) ? 'stopping' : event.stage,
        reason: { message: event.doing },
        faults: [],
      }
    case 'pulling':
      return { ...state, pulls: [...without(state.pulls, event.pull.id), event.pull] }
    case 'pull-ended':
      return { ...state, pulls: without(state.pulls, event.id) }
    case 'pulled': {
      const solved = state.held !== undefined && permanent.has(state.held.code)
      return { ...state, pulled: true, held: solved ? undefined : state.held }
    }
    case 'signalled':
      return state.watched === undefined || state.stage === 'stopping' ? state : { ...state, signalled: true }
    case 'made':
      return { ...state, made: event.id, replaced: undefined }
    case 'unmade':
      return { ...state, made: undefined, replaced: undefined }
    case 'replaced':
      return { ...state, made: event.id, replaced: event.fault }
    case 'started':
      return watch(state, event)
    case 'stopped':
      return { ...state, ...unwatched, want: state.want === 'restart' ? 'run' : state.want }
    case 'name-server-blocked':
      return { ...state, nameServerBlocked: true }
    case 'reached':
      return isStop(state.want) ? { ...state, ...unwatched, ...stopped, faults: [] } : { ...state, ...up, faults: [] }
    case 'failed':
      return failed(state, event)
  }
}

const stopped = {
  stage: 'stopped',
  reason: { message: 'the controller is stopped until it is started again', remedy: 'omada-host start' },
} as const

function watch(state: ControllerState, { id, at }: { id: string | undefined; at: number }): ControllerState {
  return { ...state, ...unwatched, watched: id, logReadAt: at }
}

function died(state: ControllerState, { verdict, deaths, at }: EventOf<'died'>): ControllerState {
  const next = { ...state, ...unwatched, deaths, faults: [] }
  if (verdict.kind !== 'restart') return { ...next, held: verdict.reason, stage: 'failed', reason: verdict.reason }
  const { reason, restartInMilliseconds } = verdict
  const message = `${reason.message}; it starts again in ${Math.ceil(restartInMilliseconds / 1000)} s`
  return { ...next, restartAt: at + restartInMilliseconds, stage: 'creating', reason: { ...reason, message } }
}

function failed(state: ControllerState, { faults, away }: EventOf<'failed'>): ControllerState {
  const [first, ...others] = faults
  if (first === undefined) return state
  const held = permanent.has(first.code) ? first : state.held
  // While it runs the probes speak for it: that nobody could stop or restart it now is a warning.
  if (away) return { ...state, held, engineStale: true, reason: first, faults: runs(state) ? faults : others }
  if (runs(state)) return { ...state, held, ...up, faults }
  return { ...state, held, stage: 'failed', reason: first, faults: others }
}

function without(pulls: readonly PullUnderWay[], id: number): readonly PullUnderWay[] {
  return pulls.filter((pull) => pull.id !== id)
}

/** Whose commands are named in remedies. */
export function engineKind({ engine }: ControllerState): EngineKind {
  return engine?.kind ?? 'podman'
}

/** Our container, as last seen. */
export function ownContainer({ seen }: ControllerState): EngineContainer | undefined {
  return seen?.container !== undefined && isOurs(seen.container) ? seen.container : undefined
}

/** Whether our container runs, as last seen. */
export function runs(state: ControllerState): boolean {
  return isRunning(ownContainer(state))
}

/** Whether our container was last seen to run with a process that is gone. */
export function vanished(state: ControllerState, processRuns: (pid: number) => boolean): boolean {
  const container = ownContainer(state)
  return isRunning(container) && container.pid !== undefined && !processRuns(container.pid)
}

/** Whether a container ended by no will of ours, and was not judged for it yet. */
export function hasDied(state: ControllerState, container: EngineContainer): boolean {
  return !isStop(state.want) && container.status === 'exited' && state.watched === container.id
}

/** Whether there is nothing to look out for but what the engine tells. */
export function isSettled({ wasReady, stage }: ControllerState): boolean {
  return wasReady || stage === 'stopped' || stage === 'failed'
}
