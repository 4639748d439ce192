import type { Device, DeviceEvent } from '../../support/device.ts'
import { eventually } from '../../support/eventually.ts'
import type { Operator } from '../../support/operator.ts'

/**
 * Adopts a device as soon as the controller knows it, and returns when it is connected. Devices here announce every
 * second, and the controller gives an adoption up after a few announces: on a machine that is busy it takes another try.
 */
export async function adopt(operator: Operator, device: Device): Promise<DeviceEvent> {
  const give = performance.now() + 90_000
  for (;;) {
    await eventually(
      () => operator.device(device.mac),
      (known) => known?.state === 'pending' || known?.state === 'adopt-failed',
    )
    await operator.adopt(device.mac)
    const tried = await eventually(
      () => operator.device(device.mac),
      (known) => known?.state === 'connected' || known?.state === 'adopt-failed',
      60_000,
    )
    if (tried?.state === 'connected' || performance.now() > give) return await device.event('connected', 10_000)
  }
}
