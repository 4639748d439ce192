import type { Step } from './plan.ts'
import type { Lifecycle } from './snapshot.ts'

/** Steps that a request of the user may cut short: what they leave behind does no harm. */
export const interruptible: ReadonlySet<Step['kind']> = new Set(['pull', 'wait'])

/** What the controller is called while a step is under way. */
export const lifecycleOf: { readonly [Kind in Step['kind']]: Lifecycle } = {
  pull: 'pulling',
  'create-network': 'creating',
  'remove-network': 'creating',
  create: 'creating',
  start: 'creating',
  stop: 'stopping',
  remove: 'creating',
  wait: 'creating',
}

/** For people: what a step is doing, and what it has done. */
export const stepWords: { readonly [Kind in Step['kind']]: { readonly doing: string; readonly done: string } } = {
  pull: { doing: 'pulling the image', done: 'pulled the image' },
  'create-network': { doing: 'creating the network', done: 'created the network' },
  'remove-network': {
    doing: 'removing the network with the old subnet',
    done: 'removed the network with the old subnet',
  },
  create: { doing: 'creating the container', done: 'created the container' },
  start: { doing: 'starting the container', done: 'started the container' },
  stop: { doing: 'stopping the controller; its database is being closed', done: 'stopped the controller' },
  remove: { doing: 'removing the old container', done: 'removed the old container; its volumes are kept' },
  wait: { doing: 'waiting', done: 'waited' },
}
