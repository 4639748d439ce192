import { type Document, Long, ObjectId } from 'bson'

/** What the server poses as. */
export type MongoPose = '3.6' | '8.0'

interface Profile {
  readonly version: string
  readonly maxWireVersion: number
  /** 3.6.8 has no `hello` and does not know `helloOk`; both came with 4.4.2 and 4.2.10. */
  readonly hello: boolean
}

/** Wire versions: 6 is MongoDB 3.6, 25 is 8.0. Source: the drivers' wire version table and omada-facts of this project. */
export const profiles: Readonly<Record<MongoPose, Profile>> = {
  '3.6': { version: '3.6.8', maxWireVersion: 6, hello: false },
  '8.0': { version: '8.0.15', maxWireVersion: 25, hello: true },
}

/** Identifies one run of the server to a driver that streams hello. */
export interface TopologyVersion {
  readonly processId: ObjectId
  readonly counter: Long
}

/** The topology version of a server that has just started and never changes its state. */
export function newTopologyVersion(): TopologyVersion {
  return { processId: new ObjectId(), counter: Long.fromNumber(0) }
}

/** The answer to one command. */
export function answer(o: {
  pose: MongoPose
  command: Document
  topology: TopologyVersion
  connectionId: number
}): Document {
  const profile = profiles[o.pose]
  const name = Object.keys(o.command)[0] ?? ''
  switch (name.toLowerCase()) {
    case 'ismaster':
      return greeting(o, profile, 'ismaster')
    case 'hello':
      return profile.hello ? greeting(o, profile, 'isWritablePrimary') : notFound(name)
    case 'ping':
    case 'endsessions':
      return { ok: 1 }
    case 'buildinfo':
      return {
        version: profile.version,
        versionArray: [...profile.version.split('.').map(Number), 0],
        gitVersion: 'stand-in',
        modules: [],
        bits: 64,
        maxBsonObjectSize: 16777216,
        ok: 1,
      }
    default:
      return notFound(name)
  }
}

function greeting(
  o: { command: Document; topology: TopologyVersion; connectionId: number },
  profile: Profile,
  writable: 'ismaster' | 'isWritablePrimary',
): Document {
  return {
    ...(profile.hello && o.command.helloOk === true ? { helloOk: true } : {}),
    [writable]: true,
    ...(profile.hello ? { topologyVersion: o.topology, connectionId: o.connectionId } : {}),
    maxBsonObjectSize: 16777216,
    maxMessageSizeBytes: 48000000,
    maxWriteBatchSize: 100000,
    localTime: new Date(),
    logicalSessionTimeoutMinutes: 30,
    minWireVersion: 0,
    maxWireVersion: profile.maxWireVersion,
    readOnly: false,
    ok: 1,
  }
}

/** Error 59, as a mongod words it. */
function notFound(name: string): Document {
  return { ok: 0, errmsg: `no such command: '${name.slice(0, 64)}'`, code: 59, codeName: 'CommandNotFound' }
}
