import type { HostState } from '../ipc/host-state.ts'

/**
 * Counts the steps of a start, each once: a phase or a step of the reconciler seen for the first time, a condition that
 * holds for the first time, more of an image than ever before. What goes in circles, such as a retry, counts once.
 */
export class StartSteps {
  readonly #seen = new Set<string>()
  #pulled = 0
  #count = 0

  /** The number of steps up to this state. */
  count(state: HostState): number {
    this.#take(`phase ${state.phase}`)
    for (const { name, status } of state.conditions) if (status === 'ok') this.#take(`condition ${name}`)
    for (const { subject, message } of state.history) if (subject === 'controller') this.#take(message)
    const pulled = state.controller.pull?.current ?? 0
    if (pulled > this.#pulled) {
      this.#pulled = pulled
      this.#count += 1
    }
    return this.#count
  }

  #take(step: string): void {
    if (this.#seen.has(step)) return
    this.#seen.add(step)
    this.#count += 1
  }
}
