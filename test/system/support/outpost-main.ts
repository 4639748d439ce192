import { messageOf } from '../../../src/core/errors.ts'
import { outpostCalls } from './outpost-calls.ts'

// The child side of an Outpost: takes calls over IPC, answers each, and ends with the channel.
const calls: ReadonlyMap<string, (argument: never) => Promise<unknown>> = new Map(Object.entries(outpostCalls))

process.on('message', (message: { id: number; name: string; argument: unknown }) => {
  const call = calls.get(message.name)
  const answer =
    call === undefined ? Promise.reject(new Error(`no call ${message.name}`)) : call(message.argument as never)
  answer.then(
    (value) => process.send?.({ id: message.id, value }),
    (error: unknown) => process.send?.({ id: message.id, error: messageOf(error) }),
  )
})
process.on('disconnect', () => process.exit(0))
process.send?.({ ready: true })
