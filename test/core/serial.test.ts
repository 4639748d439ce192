import { expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { Serial } from '../../src/core/serial.ts'

test('runs one at a time, in the order of asking, and settles as each does', async () => {
  const serial = new Serial()
  const order: string[] = []
  const work = (name: string, milliseconds: number) => async () => {
    order.push(`${name} begins`)
    await systemClock.sleep(milliseconds)
    order.push(`${name} ends`)
    return name
  }
  const all = [serial.run(work('a', 20)), serial.run(work('b', 1)), serial.run(work('c', 5))]
  expect(await Promise.all(all)).toEqual(['a', 'b', 'c'])
  expect(order).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends'])
})

test('one that fails, at once or later, keeps nobody waiting', async () => {
  const serial = new Serial()
  const first = serial.run(async () => {
    throw new Error('no')
  })
  const second = serial.run(() => {
    throw new Error('never')
  })
  const third = serial.run(async () => 3)
  await expect(first).rejects.toThrow('no')
  await expect(second).rejects.toThrow('never')
  expect(await third).toBe(3)
})

test('who gives up its wait does not run, and lets nobody go before its turn', async () => {
  const serial = new Serial()
  const door = Promise.withResolvers<void>()
  const ending = new AbortController()
  let ran = false
  const first = serial.run(() => door.promise)
  const given = serial.run(async () => {
    ran = true
  }, ending.signal)
  let third = 'waits'
  const last = serial.run(async () => {
    third = 'ran'
  })
  ending.abort(new Error('over'))
  await expect(given).rejects.toThrow('over')
  expect(third).toBe('waits')
  door.resolve()
  await Promise.all([first, last])
  expect(third).toBe('ran')
  expect(ran).toBe(false)
})

test('is idle when all that was asked for has ended', async () => {
  const serial = new Serial()
  await serial.idle()
  let ended = 0
  for (let turn = 0; turn < 3; turn += 1) {
    void serial.run(async () => {
      await systemClock.sleep(1)
      ended += 1
    })
  }
  await serial.idle()
  expect(ended).toBe(3)
})

test('the wait is bounded, and free again afterwards', async () => {
  const serial = new Serial()
  const door = Promise.withResolvers<void>()
  const all = [serial.run(() => door.promise)]
  // The first one runs as soon as it may.
  await Promise.resolve()
  const fill = () => {
    for (let count = 0; count < 2000; count += 1) all.push(serial.run(async () => {}))
  }
  fill()
  const refused = (await Promise.allSettled(all.slice(1900))).filter(({ status }) => status === 'rejected')
  expect(refused.length).toBeGreaterThan(50)
  door.resolve()
  await Promise.allSettled(all)
  expect(await serial.run(async () => 'again')).toBe('again')
})
