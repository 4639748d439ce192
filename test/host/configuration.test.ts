import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import type { Config } from '../../src/config/schema.ts'
import { systemClock } from '../../src/core/clock.ts'
import { createLogger } from '../../src/core/logger.ts'
import { Warnings } from '../../src/core/warnings.ts'
import { makeSelfSigned } from '../../src/edge/proxy/waiting-room/certificate.ts'
import { CertificateCopy } from '../../src/host/certificate.ts'
import { Configuration } from '../../src/host/configuration.ts'
import { temporaryDirectory } from '../ipc/fixtures.ts'
import { waitFor } from '../support/wait-for.ts'

const restarted = { host: 'omada-host', edge: 'omada-host-edge' } as const

function scene(text: string, copies = '/nonexistent/copies') {
  const file = { text, read: 0, slow: Promise.resolve() }
  const load = async () => {
    file.read += 1
    const { text: read } = file
    await file.slow
    return loadConfig({ path: 'config.yaml', text: read, env: {} })
  }
  const lines: string[] = []
  const loaded = loadConfig({ path: 'config.yaml', text, env: {} })
  const logger = createLogger({ level: 'info', format: 'human', write: (line) => lines.push(line) })
  const warnings = new Warnings({ logger, clock: systemClock })
  const source = warnings.source({ name: 'configuration' })
  const usable = { certificate: undefined, warnings: [] }
  const copy = new CertificateCopy({ directory: copies, clock: systemClock })
  const readCertificate = (config: Config) => copy.refresh(config)
  const configuration = new Configuration({
    loaded,
    usable,
    readCertificate,
    load,
    restarted,
    warnings: source,
    logger,
  })
  let changes = 0
  configuration.changed.on(() => {
    changes += 1
  })
  const reload = async (next: string) => {
    file.text = next
    lines.length = 0
    const { message } = await configuration.reload()
    return message
  }
  return { configuration, warnings, file, lines, reload, changes: () => changes }
}

test('takes over what it can, and tells what needs a restart of which service', async () => {
  const { configuration, warnings, file, lines, reload } = scene('log: { level: info }')
  const answer = await reload('log: { level: debug }\ncontroller: { cpus: 2 }\nstatus: { port: 8091 }')
  expect(configuration.inForce).toMatchObject({ log: { level: 'debug' }, status: { port: 8091 } })
  expect(configuration.inForce.controller.cpus).toBeUndefined()
  expect(answer.split('\n')).toEqual([
    'the configuration was read again; taken over: log.level',
    expect.stringMatching(/restart is needed for controller.cpus: systemctl restart omada-host \(/),
    expect.stringMatching(/restart is needed for status.port: systemctl restart omada-host-edge \(/),
  ])
  expect(lines.join('')).toContain('taken over: log.level')
  expect(lines.join('')).toMatch(/WARN .*restart is needed for controller.cpus .*systemctl restart omada-host /)
  // The edge warns of its own keys itself.
  expect(warnings.list()).toMatchObject([{ message: expect.stringContaining('controller.cpus') }])
  expect(file.read).toBe(1)

  expect(await reload('')).toContain('taken over: log.level')
  expect(warnings.list()).toEqual([])
})

test('a wrong configuration changes nothing, and every fault is told', async () => {
  const { configuration, warnings, lines, reload, changes } = scene('log: { level: info }')
  const { inForce } = configuration
  const before = structuredClone(inForce)
  await expect(reload('log: { level: loud }\nstatus: { prot: 1 }\ncontroller: { pull: always }')).rejects.toMatchObject(
    {
      faults: [
        { code: 'CONFIG_INVALID', message: expect.stringContaining('log.level') },
        { code: 'CONFIG_INVALID', message: expect.stringContaining('status.prot') },
      ],
    },
  )
  expect(configuration.inForce).toBe(inForce)
  expect(inForce).toEqual(before)
  expect(warnings.list()).toEqual([])
  expect(changes()).toBe(0)
  for (const said of ['log.level', 'status.prot', 'the old one stays in force']) {
    expect(lines.join('')).toContain(said)
  }
})

test('what was in force is never written into', async () => {
  const { configuration, reload } = scene('')
  const { inForce } = configuration
  const before = structuredClone(inForce)
  await reload('log: { level: debug }\naccess: { guests: [lan0] }')
  expect(inForce).toEqual(before)
  expect(configuration.inForce.access.guests).toEqual(['lan0'])
})

test('of two reloads at once the later file is in force', async () => {
  const { configuration, file } = scene('')
  const slow = Promise.withResolvers<void>()
  file.text = 'log: { level: debug }'
  file.slow = slow.promise
  const first = configuration.reload()
  await waitFor(() => expect(file.read).toBe(1))
  file.text = 'log: { level: warn }'
  file.slow = Promise.resolve()
  const second = configuration.reload()
  slow.resolve()
  await Promise.all([first, second])
  expect(configuration.inForce.log.level).toBe('warn')
})

test('a renewed certificate is there at once, by a reload or without, and it says how the controller gets it', async () => {
  await using directory = await temporaryDirectory()
  await using copies = await temporaryDirectory()
  const { configuration, warnings, lines, reload, changes } = scene('', copies.path)
  const text = `controller: { certificateDirectory: ${directory.path} }`
  const put = async () => {
    const pair = await makeSelfSigned({ hostname: 'omada.example' })
    await mkdir(directory.path, { recursive: true })
    await writeFile(join(directory.path, 'tls.crt'), pair.cert)
    await writeFile(join(directory.path, 'tls.key'), pair.key)
    return pair
  }
  const first = await put()
  expect(await reload(text)).toMatch(/new certificate.*omada-host restart/)
  expect(configuration.certificate).toEqual(first)
  expect(await reload(text)).not.toContain('new certificate')
  const second = await put()
  expect(await reload(text)).toMatch(/new certificate.*omada-host restart/)
  await rm(directory.path, { recursive: true })
  expect(await reload(text)).not.toContain('new certificate')
  const unusable = () => warnings.list().filter(({ code }) => code === 'CERTIFICATE_UNUSABLE')
  expect(unusable()).toEqual([expect.objectContaining({ message: expect.stringContaining('cannot be read: ENOENT') })])
  expect(configuration.certificate).toEqual(second)

  const third = await put()
  const before = changes()
  lines.length = 0
  await configuration.lookAtCertificate()
  expect(configuration.certificate).toEqual(third)
  expect(changes()).toBe(before + 1)
  expect(lines.join('')).toMatch(/new certificate.*omada-host restart/)
  expect(unusable()).toEqual([])
  await configuration.lookAtCertificate()
  expect(changes()).toBe(before + 1)
})
