import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { Warnings } from '../../src/core/warnings.ts'
import { neighbourWatch } from '../../src/network/neighbours.ts'
import { keepingLogger } from '../edge/discovery/support/edge.ts'
import { FakeClock } from '../edge/discovery/support/fake-clock.ts'

const stat = (...fulls: string[]) =>
  `entries  allocs unresolved_discards table_fulls\n${fulls.map((full) => `00000206  00001aef 00000000            ${full}\n`).join('')}`

function watch(read: () => string) {
  const clock = new FakeClock()
  const { logger, lines } = keepingLogger()
  const warnings = new Warnings({ logger, clock })
  const neighbours = neighbourWatch({ logger, clock, warnings: warnings.source({ name: 'neighbours' }), read })
  const told = () => {
    warnings.settle()
    return warnings.list()
  }
  return { clock, lines, neighbours, told }
}

test('what was lost before the start, or long ago, is no warning; what is lost now is one, and is logged once', () => {
  let text = stat('0000000f', '0000000a')
  const { clock, lines, neighbours, told } = watch(() => text)
  neighbours.look()
  neighbours.look()
  expect(told()).toEqual([])
  text = stat('0000000f', '0000000b')
  neighbours.look()
  text = stat('00000010', '0000000b')
  neighbours.look()
  expect(told()).toEqual([
    expect.objectContaining({ code: 'NEIGHBOURS_FULL', remedy: expect.stringContaining('gc_thresh3=8192') }),
  ])
  expect(lines.filter((line) => line.includes('NEIGHBOURS_FULL'))).toHaveLength(1)
  clock.advance(601_000)
  neighbours.look()
  expect(told()).toEqual([])
})

test('a kernel that does not tell ends nothing', () => {
  const { neighbours, told } = watch(() => {
    throw new Error('ENOENT')
  })
  neighbours.look()
  neighbours.look()
  expect(told()).toEqual([])
})

test('this kernel tells', ({ skip }) => {
  if (!existsSync('/proc/net/stat/arp_cache')) skip('only the first network namespace of a machine has these counts')
  expect(readFileSync('/proc/net/stat/arp_cache', 'utf8')).toMatch(/^entries .* table_fulls *\n[0-9a-f]{8} /)
})
