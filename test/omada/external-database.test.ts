import { expect, test } from 'vitest'
import { externalDatabaseTrouble } from '../../src/omada/external-database.ts'

// Each as the driver, or Node's TLS, was seen to say it; the first three by FerretDB.
test.each([
  ['Authentication failed.', 'DATABASE_LOGIN', true],
  ['Command find requires authentication', 'DATABASE_LOGIN', true],
  [
    'self-signed certificate; if the root CA is installed locally, try running Node.js with --use-system-ca',
    'DATABASE_TLS',
    true,
  ],
  ["Hostname/IP does not match certificate's altnames: IP: 10.0.0.2 is not in the cert's list", 'DATABASE_TLS', true],
  ['certificate has expired', 'DATABASE_TLS', true],
  ['connect ECONNREFUSED 10.0.0.2:27017', 'DATABASE_DOWN', false],
  ['getaddrinfo ENOTFOUND db.example', 'DATABASE_DOWN', false],
  ['it does not answer a ping', 'DATABASE_DOWN', false],
  ['getaddrinfo ENOTFOUND ssl-db.example.com', 'DATABASE_DOWN', false],
  ['Client network socket disconnected before secure TLS connection was established', 'DATABASE_DOWN', false],
] as const)('%s', (said, code, certain) => {
  const trouble = externalDatabaseTrouble(said, 'db.example:27017')
  expect(trouble).toMatchObject({ certain, fault: { code } })
  expect(trouble.fault.message).toContain('db.example:27017')
  expect(trouble.fault.message).not.toContain('Node.js')
  expect(trouble.fault.remedy).toContain('mongo.uri')
})
