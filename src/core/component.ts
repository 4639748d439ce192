/**
 * A part of a process with a life of its own. Constructors take one object and do nothing else; whoever calls `start`
 * owns the component and calls `stop`.
 */
export interface Component {
  readonly name: string
  /** Resolves when serving. On rejection nothing is left open. */
  start(signal: AbortSignal): Promise<void>
  /** Idempotent, and safe after a failed or cancelled start. `deadline` aborts when there is no time left for grace. */
  stop(deadline: AbortSignal): Promise<void>
  /** Settles only on an unexpected death after a successful start. Absent for what cannot die by itself. */
  readonly died?: Promise<Error>
}

/** A component that works by itself until it is stopped, which takes no grace. */
export interface Loop extends Component {
  stop(): Promise<void>
}

/** Makes a loop of `run`, which goes on until its signal aborts and does not reject. */
export function loopOf(name: string, run: (signal: AbortSignal) => Promise<void>): Loop {
  const stopping = new AbortController()
  let running: Promise<void> | undefined
  return {
    name,
    start: async (signal) => {
      signal.throwIfAborted()
      running ??= run(stopping.signal)
    },
    stop: async () => {
      stopping.abort()
      await running
    },
  }
}
