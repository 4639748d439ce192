import { expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { edgeUnit } from './support/installed-appliance.ts'
import { systemdHost } from './support/systemd-fixture.ts'

const node = '/usr/lib/omada-host/node'
const certificates = '/etc/omada-host/certificate'
const password = 'pass-f2b9c41e'
const ofTheImage = 'image-7d03aa65'

/** The machine, with a certificate, an external database that does not answer, and a secret for the image. */
const host = systemdHost({ lans: { lan10: '10.77.10.1/24' } }, async (opened) => {
  const { machine, appliance } = opened
  await opened.registry.start()
  await opened.registry.push('6.3')
  await appliance.install({ start: false })
  await machine.exec(['mkdir', '--mode=0700', certificates])
  await machine.exec([
    ...['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '30', '-subj', '/CN=omada.example'],
    ...['-keyout', `${certificates}/tls.key`, '-out', `${certificates}/tls.crt`],
  ])
  await machine.exec(['useradd', '--create-home', '--groups', 'omada-host', 'watcher'])
  await machine.exec(['useradd', '--create-home', 'stranger'])
  appliance.configure({
    controller: { certificateDirectory: certificates, environment: { SECRET_OF_THE_IMAGE: ofTheImage } },
    mongo: { uri: `mongodb://omada:${password}@10.77.10.99:27017/omada?connectTimeoutMS=1000` },
    health: { startupSeconds: 3600 },
  })
  await machine.exec(['systemctl', 'start', '--no-block', 'omada-host'])
})

/**
 * Reads every file below /run and /var/lib that its user may read, and asks every socket for its state and its first
 * event. Arguments: what must not be in them. Prints as JSON where it was, and what was looked at.
 */
const walk = `
const fs = require('fs'), path = require('path'), http = require('http')
const needles = process.argv.slice(1)
const seen = { files: 0, bytes: 0, answers: {}, found: [] }
const look = (place, text) => { if (needles.some((needle) => text.includes(needle))) seen.found.push(place) }
const get = (socketPath, url) => new Promise((resolve) => {
  let text = ''
  const end = (status) => { clearTimeout(timer); request.destroy(); look(socketPath + ' ' + url, text); resolve(status) }
  const request = http.get({ socketPath, path: url }, (response) => {
    response.on('data', (chunk) => { text += chunk; if (/\\n\\n$/.test(text)) end(response.statusCode) })
    response.on('end', () => end(response.statusCode))
  })
  request.on('error', (error) => end(error.code))
  const timer = setTimeout(() => end('silent'), 1000)
})
const into = async (directory) => {
  let entries = []
  try { entries = fs.readdirSync(directory, { withFileTypes: true }) } catch { return }
  for (const entry of entries) {
    const place = path.join(directory, entry.name)
    if (entry.isDirectory()) await into(place)
    else if (entry.isFile()) {
      try { const text = fs.readFileSync(place, 'latin1'); seen.files += 1; seen.bytes += text.length; look(place, text) } catch {}
    } else if (entry.isSocket()) {
      for (const url of ['/v1/state', '/v1/events']) seen.answers[place + ' ' + url] = await get(place, url)
    }
  }
}
into('/run').then(() => into('/var/lib')).then(() => console.log(JSON.stringify(seen)))`

interface Seen {
  readonly files: number
  readonly bytes: number
  readonly answers: Readonly<Record<string, number | string>>
  readonly found: readonly string[]
}

/** What a user finds: the watcher is a member of the group that may read the status, the stranger of none. */
async function walked(user: 'watcher' | 'stranger' = 'watcher'): Promise<Seen> {
  const { machine } = host()
  // Of the key a line, because a text in JSON has no line breaks of its own.
  const [, line = ''] = machine.read(`${certificates}/tls.key`).split('\n')
  expect(line.length).toBeGreaterThan(40)
  const argv = ['runuser', '--user', user, '--', node, '-e', walk, line, password, ofTheImage]
  return JSON.parse(await machine.exec(argv, { timeoutMilliseconds: 120_000 })) as Seen
}

const state = '/run/omada-host/state.sock /v1/state'

/**
 * Podman's own database, with the environment of every container. Debian's tmpfiles.d entry for its temporary directory makes
 * the directory above it readable for everybody; it is no matter of the group's.
 */
const everybodys = ['/var/lib/containers/storage/db.sql']

test('the edge shows the certificate, and the database is out of reach', async () => {
  const { machine, appliance } = host()
  const shown = () =>
    machine.exec(['sh', '-c', 'openssl s_client -connect 10.77.10.1:8043 </dev/null | openssl x509 -noout -subject'])
  await eventually(shown, (subject) => subject.includes('omada.example'), 90_000)
  await eventually(
    () => appliance.hostState(),
    ({ phase, reason }) => phase === 'starting' && /waiting for MongoDB/.test(reason.message),
    60_000,
  )
})

test('whoever may read the status finds no secret below /run and /var/lib', async () => {
  const seen = await walked()
  expect(seen.found.filter((place) => !everybodys.includes(place))).toEqual([])
  expect(seen.answers[state]).toBe(200)
  expect(seen.answers['/run/omada-host-edge/state.sock /v1/events']).toBe(200)
  expect(seen.files).toBeGreaterThan(100)
  const others = await walked('stranger')
  expect(others.found).toEqual(seen.found)
  // Who is in no group does not even get to see the one, and may not use the other.
  expect(others.answers[state]).toBeUndefined()
  expect(others.answers['/run/omada-host-edge/state.sock /v1/state']).toBe('EACCES')
})

test('nor after a reload and with an edge that came back', async () => {
  const { machine, appliance } = host()
  // Not by systemd, which waits with it until the service has started.
  expect((await appliance.command(['reload'])).code).toBe(0)
  const before = await machine.show(edgeUnit, 'MainPID')
  await machine.exec(['systemctl', 'kill', '--signal=KILL', edgeUnit])
  await eventually(
    () => machine.show(edgeUnit, 'MainPID', 'StatusText'),
    ({ MainPID, StatusText }) => MainPID !== '0' && MainPID !== before.MainPID && StatusText === 'Serving',
  )
  expect((await walked()).found.filter((place) => !everybodys.includes(place))).toEqual([])
})

test('the same walk does find a secret that lies in a file or is told by a socket', async () => {
  const { machine } = host()
  machine.write('/var/lib/planted/file', `secret: ${password}\n`, 0o640)
  await machine.exec(['chown', '-R', 'root:omada-host', '/var/lib/planted'])
  await machine.exec(['chmod', '0750', '/var/lib/planted'])
  machine.write('/root/planted', ofTheImage, 0o600)
  const tell = "createServer((_, response) => response.end(require('fs').readFileSync('/root/planted')))"
  const serve = `process.umask(0o007); require('http').${tell}.listen('/run/planted/s')`
  await machine.exec([
    ...['systemd-run', '--unit=planted', '--property=Group=omada-host', '--property=RuntimeDirectory=planted'],
    ...['--property=RuntimeDirectoryMode=0750', node, '-e', serve],
  ])
  const seen = await eventually(walked, ({ answers }) => answers['/run/planted/s /v1/state'] === 200)
  expect(seen.found.filter((place) => !everybodys.includes(place))).toEqual([
    '/run/planted/s /v1/state',
    '/run/planted/s /v1/events',
    '/var/lib/planted/file',
  ])
})
