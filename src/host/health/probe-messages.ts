import * as z from 'zod'
import type { DriverVersion } from './mongo-driver.ts'

/** What the host tells its probe child. The database's URI travels here and nowhere else: it may hold a password. */
export type ToChild =
  | { readonly type: 'configure'; readonly databaseUri?: string; readonly driver: DriverVersion }
  | { readonly type: 'ask'; readonly id: number; readonly what: Question }

/** `database`: a ping and what the driver's monitoring saw. `sockets`: the UDP ports bound in the namespace. */
export type Question = 'database' | 'sockets'

const databaseReport = z.object({
  pingOk: z.boolean(),
  writable: z.boolean(),
  /** The driver's server type, such as `Standalone`, `RSPrimary`, `RSSecondary` or `Unknown`. */
  serverType: z.string(),
  version: z.string().exactOptional(),
  roundTripMilliseconds: z.number().exactOptional(),
  /** Why the ping failed, without secrets. */
  error: z.string().exactOptional(),
  /** The server is older than what this version of the driver speaks to. */
  tooOldForDriver: z.boolean().exactOptional(),
})

/** What the driver knows of the database at the end of one ping. */
export type DatabaseReport = z.infer<typeof databaseReport>

/**
 * What the probe child tells the host; anything else on the channel is ignored. `writable`: the driver's monitoring has
 * just found a writable server. The child itself takes no more of this than the types, and so does without zod.
 */
export const fromChild = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ready') }),
  z.object({ type: z.literal('writable') }),
  z.object({ type: z.literal('database'), id: z.number(), report: databaseReport }),
  z.object({ type: z.literal('sockets'), id: z.number(), ports: z.array(z.int()) }),
  z.object({ type: z.literal('failed'), id: z.number(), message: z.string() }),
])
export type FromChild = z.infer<typeof fromChild>
