import type { SocketOptions } from 'node:dgram'

/**
 * Takes an address literal for what it is, and at once. With Node's own lookup a socket binds, connects and sends only
 * after a turn through the resolver; with this one every call takes effect before it returns, so that no datagram is
 * ever held and none overtakes another. Every address here is a literal.
 */
export const literalLookup: NonNullable<SocketOptions['lookup']> = (address, _options, callback) => {
  callback(null, address, 4)
}
