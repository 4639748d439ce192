import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { NeighbourWatch } from '../../src/network/neighbours.ts'
import { keepingLogger } from '../edge/discovery/support/edge.ts'
import { FakeClock } from '../edge/discovery/support/fake-clock.ts'

const stat = (...fulls: string[]) =>
  `entries  allocs unresolved_discards table_fulls\n${fulls.map((full) => `00000206  00001aef 00000000            ${full}\n`).join('')}`

function watch(read: () => string) {
  const clock = new FakeClock()
  const { logger, lines } = keepingLogger()
  return { clock, lines, neighbours: new NeighbourWatch({ logger, clock, read }) }
}

test('what was lost before the start, or long ago, is no warning; what is lost now is one, and is logged once', () => {
  let text = stat('0000000f', '0000000a')
  const { clock, lines, neighbours } = watch(() => text)
  neighbours.look()
  neighbours.look()
  expect(neighbours.warnings()).toEqual([])
  text = stat('0000000f', '0000000b')
  neighbours.look()
  text = stat('00000010', '0000000b')
  neighbours.look()
  expect(neighbours.warnings()).toEqual([
    expect.objectContaining({ code: 'NEIGHBOURS_FULL', remedy: expect.stringContaining('gc_thresh3=8192') }),
  ])
  expect(lines.filter((line) => line.includes('NEIGHBOURS_FULL'))).toHaveLength(1)
  clock.advance(601_000)
  neighbours.look()
  expect(neighbours.warnings()).toEqual([])
})

test('a kernel that does not tell ends nothing', () => {
  const { neighbours } = watch(() => {
    throw new Error('ENOENT')
  })
  neighbours.look()
  neighbours.look()
  expect(neighbours.warnings()).toEqual([])
})

test('this kernel tells', () => {
  expect(readFileSync('/proc/net/stat/arp_cache', 'utf8')).toMatch(/^entries .* table_fulls *\n[0-9a-f]{8} /)
})
