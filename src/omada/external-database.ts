import type { Fault } from '../core/errors.ts'

/** What is wrong with a database elsewhere. */
export interface ExternalDatabaseTrouble {
  readonly fault: Fault
  /** Whether more time will not mend it: a database may come late, but a login stays as it is. */
  readonly certain: boolean
}

const authentication = /authentication failed|auth(?:entication)? mechanism|not authorized|requires authentication/i
/** Of a server that is away or on its way, whatever it is called. */
const passing = /ENOTFOUND|EAI_AGAIN|ECONN|ETIMEDOUT|EHOSTUNREACH|timed out|disconnected before/i
const tls = /certificate|\bTLS\b|\bSSL\b|wrong version number|altname/i

const afterwards = 'then: systemctl restart omada-host'

/**
 * What the words of MongoDB's driver, or of Node's TLS, mean for one who set `mongo.uri`. Pure.
 * @param said the reason of a ping that failed, without secrets
 * @param hosts of the database, for people
 */
export function externalDatabaseTrouble(said: string, hosts: string): ExternalDatabaseTrouble {
  // What Node advises comes after its reason, and is for programs that one starts by hand.
  const reason = said.split('; if the root CA')[0] ?? said
  const database = `the database at ${hosts} (mongo.uri)`
  if (authentication.test(reason) && !passing.test(reason)) {
    return {
      certain: true,
      fault: {
        code: 'DATABASE_LOGIN',
        message: `${database} refuses the login: ${reason}`,
        remedy: `correct user, password and authSource (the database that the account was made in) in mongo.uri, ${afterwards}`,
      },
    }
  }
  if (tls.test(reason) && !passing.test(reason)) {
    return {
      certain: true,
      fault: {
        code: 'DATABASE_TLS',
        message: `no TLS connection to ${database}: ${reason}`,
        remedy: `give it a certificate of a public authority for that name, or tell the drivers not to check it, by tlsInsecure=true among the options of mongo.uri, or leave TLS out (tls=false) on a network of your own, ${afterwards}`,
      },
    }
  }
  return {
    certain: false,
    fault: {
      code: 'DATABASE_DOWN',
      message: `${database} does not work: ${reason}`,
      remedy: `see whether it runs, and lets this machine and the controller's network in; if it is elsewhere now, correct mongo.uri, ${afterwards}`,
    },
  }
}
