import { expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { systemdHost } from './support/systemd-fixture.ts'

const directory = '/etc/omada-host/certificate'
const live = '/etc/letsencrypt/live/omada.example'
const host = systemdHost({ lans: { lan10: '10.77.10.1/24' } }, async (opened) => {
  await opened.startAppliance()
  await opened.machine.exec(['mkdir', '-p', directory, live])
})

const shell = (script: string) => host().machine.exec(['sh', '-euc', script])
/** Makes a certificate for a name, and its key. */
const certify = (name: string, cert: string, key: string) =>
  shell(`openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 90 -subj /CN=${name} \
    -addext subjectAltName=DNS:${name} -keyout ${key} -out ${cert}`)
/** Waits until the controller, which may just be starting, shows the certificate of this name. */
const shows = (name: string) =>
  eventually(
    () => shell('openssl s_client -connect 10.129.81.10:8043 </dev/null 2>/dev/null | openssl x509 -noout -subject'),
    (subject) => subject.includes(name),
  )
const trouble = async () =>
  (await host().appliance.hostState()).warnings.find(({ code }) => code === 'CERTIFICATE_UNUSABLE')
const restart = async () =>
  expect(await host().appliance.command(['restart'], 150_000)).toMatchObject({ code: 0, stderr: '' })

test('an encrypted key keeps nothing from starting, and is told with the command that opens it', async () => {
  const { appliance } = host()
  await certify('first.example', `${directory}/tls.crt`, `${directory}/plain.key`)
  await shell(`openssl pkey -in ${directory}/plain.key -aes256 -passout pass:x -out ${directory}/tls.key`)
  appliance.configure({ controller: { certificateDirectory: directory } })
  expect((await appliance.systemctl('restart')).code).toBe(0)
  expect((await appliance.hostState()).phase).toBe('ready')
  expect(await trouble()).toMatchObject({ message: expect.stringContaining(`${directory}/tls.key is encrypted`) })
  await shows('localhost')
})

test('what it says mends it, as it is written there', async () => {
  const { remedy = '' } = (await trouble()) ?? {}
  const [open = '', ...then] = remedy.split('; then: ')
  // The passphrase is what a person types there.
  await shell(open.replace('openssl pkey', 'openssl pkey -passin pass:x'))
  await shell(then.join(''))
  expect(await trouble()).toBeUndefined()
  await restart()
  await shows('first.example')
})

test('a key of another certificate leaves the controller that runs and its certificate alone', async () => {
  const { appliance } = host()
  const before = await appliance.container()
  await certify('second.example', `${directory}/other.crt`, `${directory}/tls.key`)
  expect((await appliance.systemctl('reload')).code).toBe(0)
  expect((await trouble())?.message).toMatch(/is not the key of .*; the one that was there before is used on$/)
  expect(await appliance.container()).toBe(before)
  await restart()
  await shows('first.example')
})

test("certbot's directory of links is used, in the container that runs, and after a renewal as well", async () => {
  const { appliance } = host()
  const archive = '/etc/letsencrypt/archive'
  await shell(`mkdir -m 0700 ${archive}; ln -s ../../archive/fullchain1.pem ${live}/fullchain.pem; \
    ln -s ../../archive/privkey1.pem ${live}/privkey.pem`)
  await certify('certbot.example', `${archive}/fullchain1.pem`, `${archive}/privkey1.pem`)
  const before = await appliance.container()
  appliance.configure({ controller: { certificateDirectory: live } })
  expect((await appliance.systemctl('restart')).code).toBe(0)
  expect(await appliance.container()).toBe(before)
  expect(await trouble()).toBeUndefined()
  await restart()
  await shows('certbot.example')

  await certify('renewed.example', `${archive}/fullchain2.pem`, `${archive}/privkey2.pem`)
  await shell(`ln -sfn ../../archive/fullchain2.pem ${live}/fullchain.pem; \
    ln -sfn ../../archive/privkey2.pem ${live}/privkey.pem; systemctl reload omada-host`)
  await restart()
  await shows('renewed.example')
})

test('a pipe in its place holds up nothing', async () => {
  const { appliance, machine } = host()
  await shell(`rm ${live}/fullchain.pem; mkfifo ${live}/fullchain.pem`)
  expect((await appliance.systemctl('reload')).code).toBe(0)
  expect((await trouble())?.message).toContain('not a regular file')
  expect((await appliance.systemctl('restart')).code).toBe(0)
  await shows('renewed.example')
  expect((await appliance.systemctl('stop')).code).toBe(0)
  expect(await machine.show('omada-host.service', 'Result')).toEqual({ Result: 'success' })
})
