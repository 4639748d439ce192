import type { Device, DeviceEvent } from '../../support/device.ts'
import { eventually } from '../../support/eventually.ts'
import type { Operator } from '../../support/operator.ts'

/**
 * Adopts a device as soon as the controller knows it, once.
 * @returns what the device says of its connection, once it has one
 * @throws Error with the controller's reason and what the device said last, when the adoption fails
 */
export async function adopt(operator: Operator, device: Device): Promise<DeviceEvent> {
  await eventually(
    () => operator.device(device.mac),
    (known) => known?.state === 'pending',
  )
  await operator.adopt(device.mac)
  const tried = await eventually(
    () => operator.device(device.mac),
    (known) => known?.state === 'connected' || known?.state === 'adopt-failed',
    90_000,
  )
  if (tried?.state !== 'connected') {
    throw new Error(`${device.child.what} was not adopted: ${tried?.reason}\n${device.child.tail(30)}`)
  }
  return await device.event('connected', 30_000)
}
