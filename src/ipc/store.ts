import { Emitter } from '../core/emitter.ts'

/** A value that one process owns and others follow. The value itself is never changed in place. */
export class StateStore<S> {
  #state: S
  readonly changed = new Emitter<S>()

  constructor(options: { initial: S }) {
    this.#state = options.initial
  }

  get(): S {
    return this.#state
  }

  /** Replaces the state by what `change` makes of it. A change that returns the very same object tells nobody. */
  update(change: (state: S) => S): void {
    const next = change(this.#state)
    if (next === this.#state) return
    this.#state = next
    this.changed.emit(next)
  }
}
