import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MongoClient } from 'mongodb'
import { afterAll, expect, test } from 'vitest'
import { databaseUriForImage, databaseUriProblem } from '../../src/omada/database-uri.ts'

const directory = mkdtempSync(join(tmpdir(), 'omada-host-uri-'))
afterAll(() => rmSync(directory, { recursive: true }))

/** What the entrypoint does with EAP_MONGOD_URI, in its own words: setup_environment and update_general_properties. */
const entrypoint = `
set -e
EAP_MONGOD_URI="$(eval echo "\${EAP_MONGOD_URI//&/\\\\&}")"
EAP_MONGOD_URI="\${EAP_MONGOD_URI//&/\\\\&}"
KEY=eap.mongod.uri
STORED_PROP_VAL=$(grep -Po "(?<=\${KEY}=)(.*)+" "$1" || true)
sed -i "s~^\${KEY}=\${STORED_PROP_VAL}$~\${KEY}=\${EAP_MONGOD_URI}~g" "$1"
`

/** What the controller reads in the properties file after the entrypoint. */
function readByController(uri: string): string {
  const properties = join(directory, 'omada.properties')
  writeFileSync(properties, 'eap.mongod.uri=mongodb://127.0.0.1:27217/omada\n')
  execFileSync('bash', ['-c', entrypoint, 'entrypoint', properties], {
    cwd: directory,
    env: { PATH: process.env.PATH, HOME: '/root', EAP_MONGOD_URI: uri },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const line = execFileSync('cat', [properties], { encoding: 'utf8' }).trimEnd()
  return line.slice('eap.mongod.uri='.length)
}

/** Who logs in where, as the driver of the probe has it. */
function login(uri: string): unknown {
  const { credentials, hosts, dbName, replicaSet } = new MongoClient(uri).options
  return { user: credentials?.username, password: credentials?.password, hosts: hosts.map(String), dbName, replicaSet }
}

const passwords = [
  'pa$sword~1;x',
  '$HOME',
  '`id`',
  '$(id)',
  "it's",
  '"q"',
  'a&b',
  'a|b',
  '(x)',
  '{a,b}',
  'p*',
  'a+b',
  'ü€',
  '!x',
]
const uris = passwords.map((password) => `mongodb://omada:${password}@192.0.2.53:27017/omada`)

test.each([
  ...uris,
  'mongodb://omada:p%40%2F%25@a.example,b.example:27018/omada?replicaSet=rs~0&authSource=admin&tls=true',
  'mongodb://omada:back\\slash@192.0.2.53/omada',
  'mongodb://192.0.2.53/omada?replicaSet=$HOME&appName=it;s',
  'mongodb://[2001:db8::1]:27017/omada',
])('%s: the controller reads what the probe reads', (uri) => {
  expect(databaseUriProblem(uri)).toBeUndefined()
  const read = readByController(databaseUriForImage(uri))
  expect(read).toBe(databaseUriForImage(uri))
  expect(login(read)).toEqual(login(uri))
  // Backslashes are lost in a Java properties file, and + is a space to Java's driver in a login.
  expect(read).not.toMatch(/[\\+]/)
})

test('what needs no encoding stays as it is, and what is encoded is not encoded twice', () => {
  const uri = 'mongodb+srv://omada:S3-cr_et.%24@db.example.com/omada?retryWrites=true&w=majority'
  expect(databaseUriForImage(uri)).toBe(uri)
})

test.each([
  ['mongodb://u:100%@db/omada', 'write the % itself as %25'],
  ['mongodb://u:%FF@db/omada', 'write the % itself as %25'],
  ['mongodb://u:a@b@db/omada', 'as %40'],
  ['mongodb://u:a/b@db/omada', 'write %3A %2F'],
  ['mongodb://u:a:b@db/omada', 'write %3A %2F'],
  ['mongodb://u:a#b@db/omada', 'write %3A %2F'],
  ['mongodb://:p@db/omada', "user's name"],
  ['mongodb://db/omada?x=a#b', '%23'],
  ['mongodb://db$x/omada', 'its hosts may have'],
  ['mongodb://%2Ftmp%2Fmongodb-27017.sock/omada', 'a socket file'],
  ['mongodb://db/om$ada', "the database's name"],
  ['mongodb:///omada', 'not of the form'],
])('%s is refused', (uri, expected) => {
  expect(databaseUriProblem(uri)).toContain(expected)
})
