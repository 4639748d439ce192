import { ApplianceError, ApplianceErrors, type Fault, toFault } from '../../core/errors.ts'
import { plainText } from '../../core/text.ts'
import { findDatabaseDeath } from '../../omada/database-deaths.ts'
import { tellsOutOfMemory } from '../../omada/refusals.ts'
import type { Engine, EngineContainer, EngineInfo } from '../engine/engine.ts'
import { lastLog } from './container-log.ts'
import { judgeDeath } from './deaths.ts'
import { findObstacles, type Observation, observeSettled } from './observe.ts'
import { deedOfOthers, startedByOthers } from './others.ts'
import { isOurs, isRunning, likenessOf, planSteps, planStop, type Step } from './plan.ts'
import { emptyRecord, type RecordFile } from './record.ts'
import { changedSettings } from './settings.ts'
import { type Desired, desiredState, labels } from './spec.ts'
import { type ControllerState, engineKind, hasDied, isStop } from './state.ts'
import type { StepContext } from './step-context.ts'
import { type ActiveStep, stepKindOf } from './steps.ts'
import { livesOn, notStopped } from './stop.ts'

/** More rounds of plan and execution than this do not converge: something undoes what we do. */
const maxRounds = 8

/**
 * How often the log of a controller that runs but is not ready is read for what it says of that: one that has been ready
 * and is not any more with every pass, of which there are few then.
 */
const logReadMilliseconds = { starting: 30_000, degraded: 5000 } as const

/** What every pass works with. */
export interface PassOptions extends Omit<StepContext, 'engine'> {
  readonly version: string
  /** The directory of ours with copies of the user's certificate. */
  readonly certificateSource: string
  /** Whether the controller works now, by the probes. */
  readonly ready: () => boolean
  /** Its id, by the probes. */
  readonly omadacId: () => string | undefined
  readonly recordFile: Pick<RecordFile, 'read' | 'write'>
  /** Something was done; for people. */
  readonly onStep: (message: string) => void
}

/** One pass. `signal` ends it; `interrupt` aborts when something else is wanted, and cuts short what may be. */
interface Pass extends PassOptions {
  readonly engine: Engine
  readonly signal: AbortSignal
  readonly interrupt: AbortSignal
}

/**
 * Observes, judges, plans and executes until nothing is left to do.
 * @returns undefined when what is wanted is reached, else how long to wait before the next pass, in milliseconds
 * @throws ApplianceError or ApplianceErrors why it is not reached, or the reason of the signal that aborted
 */
export async function runPass(pass: Pass): Promise<number | undefined> {
  const { config, state, dispatch, interrupt } = pass
  const own = AbortSignal.any([pass.signal, interrupt])
  if (state().record === undefined) await readRecord(pass)
  for (let round = 0; round < maxRounds; round += 1) {
    own.throwIfAborted()
    const died = (container: EngineContainer) => hasDied(state(), container)
    const observed = await observeSettled({ ...pass, died, signal: own })
    const before = state()
    dispatch({ kind: 'seen', observation: observed })
    const { container } = observed
    // Neither ended nor to be started beside itself: two of them would destroy the database.
    if (container !== undefined && isOurs(container) && livesOn(container, pass.machine)) {
      throw notStopped({ kind: engineKind(state()) }, container, 'the engine calls its container ended')
    }
    tellOfOthers(pass, before, observed)
    const { want } = state()
    const steps = isStop(want) ? planStop(observed, want === 'end') : await planRun(pass, observed, own)
    // What was planned for another wish is not done.
    own.throwIfAborted()
    if (steps.length === 0) {
      dispatch({ kind: 'reached' })
      return undefined
    }
    if (!isStop(want) && steps.some(({ kind }) => kind !== 'wait' && kind !== 'remember')) {
      await checkMachine(pass, observed, own)
    }
    for (const step of steps) {
      if (step.kind === 'wait') return step.milliseconds
      await carryOut(pass, step)
      if (interrupt.aborted) break
    }
  }
  const { name } = config.controller
  throw new ApplianceError({
    code: 'ENGINE_REQUEST',
    message: 'the controller does not come to what is wanted: something else changes its container or its network',
    remedy: `see what does: ${engineKind(state())} events --filter container=${name}`,
  })
}

/** @throws ApplianceError what only the user can solve, as long as they did not ask for another try */
async function planRun(pass: Pass, observed: Observation, signal: AbortSignal): Promise<readonly Step[]> {
  const { config, chosen, clock, machine, version, state, dispatch } = pass
  const { stopGraceSeconds, pull } = pass.live().controller
  const { container } = observed
  const known = state()
  const engine = known.engineStale || known.engine === undefined ? await askEngine(pass, signal) : known.engine
  if (container !== undefined && isOurs(container)) await judge(pass, container, signal)
  const names = await machine.names()
  const served = names.served || state().nameServerBlocked
  const desired = desiredState({
    config,
    chosen,
    stopGraceSeconds,
    machine,
    engine,
    names: { ...names, served },
    version,
    certificateSource: pass.certificateSource,
  })
  const likeness = isRunning(container) ? likenessOf(container, desired) : 'other'
  if (likeness !== 'other') {
    const outdated = likeness === 'outdated' && container !== undefined ? outdatedNotice(container, desired) : undefined
    dispatch({ kind: 'as-wanted', outdated })
  }
  const { held, want, pulled, restartAt, replaced } = state()
  if (held !== undefined) throw new ApplianceError(held)
  return planSteps(desired, observed, {
    run: want === 'restart' ? 'restart' : 'run',
    pull,
    pulled,
    restartInMilliseconds: Math.max(0, restartAt - clock.now()),
    replaced: replaced !== undefined,
    unremembered: unremembered(pass),
  })
}

/** Says what somebody else did to our container since it was seen `before`. */
function tellOfOthers({ dispatch, onStep }: Pass, before: ControllerState, observed: Observation): void {
  if (startedByOthers(before, observed)) onStep('somebody else started the container')
  const deed = deedOfOthers(before, observed)
  if (deed?.message !== undefined) onStep(deed.message)
  if (deed !== undefined) dispatch(deed.outcome)
}

/** The id of a controller that is ready and is not the one that is remembered. */
function unremembered({ config, ready, omadacId, state }: Pass): string | undefined {
  const { record, recordUnreadable } = state()
  const id = ready() ? omadacId() : undefined
  const known = record?.controller
  // Of an external database the place says nothing.
  if (id === undefined || recordUnreadable || config.mongo.uri !== undefined) return undefined
  return known?.omadacId === id && known.place === config.controller.dataVolume ? undefined : id
}

/** What cannot be read is told, and nothing is remembered then. */
async function readRecord({ recordFile, dispatch }: Pass): Promise<void> {
  try {
    dispatch({ kind: 'recorded', record: await recordFile.read() })
  } catch (error) {
    dispatch({ kind: 'record-unreadable', fault: toFault(error) })
  }
}

/** Says of our container what its status means: it runs, has been ready, has died. */
async function judge(pass: Pass, container: EngineContainer, signal: AbortSignal): Promise<void> {
  const { clock, state, dispatch } = pass
  const log = async (since?: Date) => await lastLog(pass.engine, container, { ...pass, signal, since })
  if (isRunning(container)) {
    const ready = pass.ready()
    dispatch({ kind: 'runs', id: container.id, ready, at: clock.now() })
    if (ready || clock.now() - state().logReadAt < logReadMilliseconds[state().wasReady ? 'degraded' : 'starting'])
      return
    // What it died of before it was last found ready is over.
    const { readySince } = state()
    const lines = await log(readySince === undefined ? undefined : new Date(clock.wall() - (clock.now() - readySince)))
    const warning = tellsOutOfMemory(lines) ? heapExhausted : findDatabaseDeath(lines)
    dispatch({ kind: 'log-read', warning, at: clock.now() })
  } else if (hasDied(state(), container)) {
    const { exitCode, outOfMemory } = container
    const death = { exitCode, outOfMemory, log: await log(), signalled: state().signalled }
    const now = clock.now()
    const wasReady = state().wasReady || pass.ready()
    const { verdict, deaths } = judgeDeath(death, state().deaths, { now, wasReady })
    pass.onStep(verdict.reason.message)
    if (verdict.kind !== 'restart') tellLastLines(pass, death.log)
    dispatch({ kind: 'died', verdict, deaths, at: now })
  }
}

const heapExhausted = {
  code: 'CONTROLLER_OUT_OF_MEMORY',
  message: 'the controller runs but its java heap is exhausted',
  remedy: 'omada-host restart; then give it more with controller.memory.heapMegabytes, or the machine more memory',
} as const

/** What the controller said last, in our own log: only an administrator reads that, the reason is for all who see the status. */
function tellLastLines({ logger }: Pass, log: readonly string[]): void {
  const lines = log.map((line) => plainText(line, 200).trim()).filter((line) => line !== '')
  if (lines.length > 0) logger.error(`the controller's last log lines: ${lines.slice(-5).join(' | ')}`)
}

function outdatedNotice(container: EngineContainer, { container: wanted, settings }: Desired): Fault {
  const [made = 'another version', now] = [container, wanted].map((one) => one.labels[labels.version])
  const changes = changedSettings(container.labels[labels.settings], settings)
  return {
    code: 'CONTAINER_OUTDATED',
    message: `the controller runs in a container that omada-host ${made} made; made anew by ${now} it gets other settings: ${changes.join(', ')}`,
    remedy: 'omada-host restart, when some minutes without the controller do no harm; its next start does the same',
  }
}

/** What the engine says of itself. */
async function askEngine({ engine, dispatch }: Pass, signal: AbortSignal): Promise<EngineInfo> {
  const told = await engine.info(signal)
  dispatch({ kind: 'engine-told', engine: told })
  return told
}

/**
 * Looks for what would keep the controller from working. The engine is asked about itself anew: one that systemd starts by
 * its socket may have been restarted with another runtime.
 * @throws ApplianceErrors
 */
async function checkMachine(pass: Pass, observed: Observation, signal: AbortSignal): Promise<void> {
  const engine = await askEngine(pass, signal)
  const { config, machine } = pass
  const record = pass.state().record ?? emptyRecord
  const faults = await findObstacles({ config, engine, machine, observed, record, signal })
  if (faults.length > 0) throw new ApplianceErrors(faults)
}

async function carryOut(pass: Pass, step: ActiveStep): Promise<void> {
  const { doing, stage, interruptible, beside = false, execute } = stepKindOf(step)
  pass.dispatch({ kind: 'step', stage, doing, beside })
  const signal = interruptible ? AbortSignal.any([pass.signal, pass.interrupt]) : pass.signal
  const done = await execute(step, pass, signal)
  // That it began was told with the phase.
  pass.logger.info({ step: step.kind }, done ?? doing)
  if (done !== undefined) pass.onStep(done)
}
