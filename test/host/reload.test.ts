import { expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import type { Config } from '../../src/config/schema.ts'
import { systemClock } from '../../src/core/clock.ts'
import { createLogger } from '../../src/core/logger.ts'
import { Warnings } from '../../src/core/warnings.ts'
import { reloadConfig } from '../../src/host/reload.ts'

function scene(text: string) {
  const file = { text }
  const load = async () => loadConfig({ path: 'config.yaml', text: file.text, env: {} })
  const lines: string[] = []
  const handedOver: Config[] = []
  const edge = { renewed: false, undeliverable: false }
  const levels: string[] = []
  const logger = createLogger({ level: 'info', format: 'human', write: (line) => lines.push(line) })
  const warnings = new Warnings({ logger, clock: systemClock })
  const configuration = warnings.source({ name: 'configuration' })
  const running = loadConfig({ path: 'config.yaml', text, env: {} }).config
  const reload = async (next: string) => {
    file.text = next
    lines.length = 0
    await reloadConfig({
      running,
      load,
      handOver: async (config) => {
        if (edge.undeliverable) throw new Error('ENOSPC: no space left on device')
        handedOver.push(config)
        return { renewed: edge.renewed }
      },
      setLogLevel: (level) => levels.push(level),
      configuration,
      logger,
    })
    return lines.join('')
  }
  return { running, reload, handedOver, levels, warnings, edge }
}

test('takes over what it can, hands the rest to the edge, and tells what needs a restart', async () => {
  const { running, reload, handedOver, levels, warnings } = scene('log: { level: info }')
  const log = await reload('log: { level: debug }\ncontroller: { cpus: 2 }\nstatus: { port: 8091 }')
  expect(running.log.level).toBe('debug')
  expect(levels).toEqual(['debug'])
  expect(log).toContain('taken over: log.level')
  expect(log).toMatch(/WARN .*restart is needed for controller.cpus .*systemctl restart omada-host /)
  expect(handedOver.at(-1)?.status.port).toBe(8091)
  expect(warnings.list()).toEqual([expect.objectContaining({ message: expect.stringContaining('controller.cpus') })])

  expect(await reload('')).toContain('taken over: log.level')
  expect(warnings.list()).toEqual([])
})

test('a wrong configuration changes nothing, and every fault is told', async () => {
  const { running, reload, handedOver, warnings } = scene('log: { level: info }')
  const before = structuredClone(running)
  const log = await reload('log: { level: loud }\nstatus: { prot: 1 }\ncontroller: { pull: always }')
  expect(running).toEqual(before)
  expect(handedOver).toEqual([])
  expect(warnings.list()).toEqual([])
  expect(log).toContain('log.level')
  expect(log).toContain('status.prot')
  expect(log).toContain('the old one stays in force')
})

test("a renewed certificate is the edge's at once, and it says how the controller gets it", async () => {
  const { reload, edge } = scene('')
  expect(await reload('')).not.toContain('certificate')
  edge.renewed = true
  expect(await reload('')).toMatch(/new certificate.*omada-host restart/)
})

test('a configuration that cannot be handed over is told as that, and the host has it', async () => {
  const { running, reload, edge } = scene('')
  edge.undeliverable = true
  const log = await reload('log: { level: debug }')
  expect(running.log.level).toBe('debug')
  expect(log).toContain('taken over: log.level')
  expect(log).toContain('ENOSPC')
  expect(log).toContain('not handed over to the edge')
  expect(log).not.toContain('not taken over')
})
