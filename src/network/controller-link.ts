import type { Routing } from './routes.ts'

/** The controller's address; undefined while nothing may be sent there. */
export type ControllerLink = () => string | undefined

/**
 * The safety rule of the data path, and the only way by which it gets to know the controller's address: without its
 * bridge nothing leaves towards that address. The kernel would look for it by the default route, and some other machine,
 * here or in the internet, could get what devices send. So there is an address only while an interface of this machine
 * is on the controller's own network.
 *
 * @param options `address`: the address that the controller has now, asked at every use
 */
export function controllerLink(options: { address: () => string; routing: Pick<Routing, 'isOnLink'> }): ControllerLink {
  return () => {
    const address = options.address()
    return options.routing.isOnLink(address) ? address : undefined
  }
}
