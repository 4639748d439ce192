import type { Fields, Message } from './messages.ts'
import { fieldsOf, messageType, textOf } from './messages.ts'

export type DeviceClass = 'ap' | 'switch' | 'gateway'

/** What a device says of itself. */
export interface Identity {
  readonly class: DeviceClass
  readonly mac: string
  readonly model: string
  readonly name: string
  readonly address: string
}

/** `header.version` by class. Source: o-device-emulator doc/spec/04-wire-protocol.md, section 4.4. */
export function protocolVersion(deviceClass: DeviceClass): string {
  return deviceClass === 'ap' ? '2.3.0' : '2.2.0'
}

/** `body.deviceInfo`: an AP uses long names, a switch and a gateway short ones. */
export function deviceInfo(identity: Identity, upSeconds: number): Fields {
  const { address: ip, model, name } = identity
  const up = `${Math.floor(upSeconds / 86400)} days ${new Date((upSeconds % 86400) * 1000).toISOString().slice(11, 19)}`
  if (identity.class === 'ap') {
    const versions = { modelVersion: '1.0', firmwareVersion: '1.0.0 Build 20260101', hardwareVersion: '1.0' }
    return { ip, model, name, ...versions, upTime: up, cpuUti: 5, memUti: 30, wirelessLinked: false, p2p: false }
  }
  const gateway = identity.class === 'gateway' ? { cerVer: '1.0.0', wireless: 0 } : {}
  return { ip, model, name, modelVer: '1.0', fwVer: '1.0.0 Build 20260101', hwVer: '1.0', time: up, ...gateway }
}

/** Where the controller's id stands in a body: an AP has `controllerSetting.controllerId`, the others `controller.id`. */
export function controllerField(deviceClass: DeviceClass, controllerId: string): Fields {
  return deviceClass === 'ap' ? { controllerSetting: { controllerId } } : { controller: { id: controllerId } }
}

/** A DISCOVERY. `timestamp` is the device's clock, in milliseconds since 1970. */
export function announcement(identity: Identity, controllerId: string, timestamp: number, upSeconds: number): Message {
  const misc = { ap: { customizeRegion: 0 }, switch: { portNum: 8 }, gateway: { portNum: 5, customizeRegion: 0 } }
  return {
    header: {
      mac: identity.mac,
      type: messageType.discovery,
      device: identity.class,
      version: protocolVersion(identity.class),
      verCap: 3,
      timestamp,
    },
    body: {
      deviceInfo: deviceInfo(identity, upSeconds),
      deviceMisc: misc[identity.class],
      ...controllerField(identity.class, controllerId),
      ...(identity.class === 'switch' ? { stackId: '' } : {}),
    },
  }
}

/** What the controller reads in a DISCOVERY; undefined when the controller's id is not where its class has it. */
export function readAnnouncement(
  message: Message,
): { class: string; model: string; name: string; firmware: string; address: string; controllerId: string } | undefined {
  const info = fieldsOf(message.body.deviceInfo)
  const ap = message.header.device === 'ap'
  const holder = fieldsOf(ap ? message.body.controllerSetting : message.body.controller)
  const controllerId = textOf(ap ? holder.controllerId : holder.id)
  if (controllerId === '') return undefined
  return {
    class: message.header.device,
    model: textOf(info.model),
    name: textOf(info.name),
    firmware: textOf(info.firmwareVersion ?? info.fwVer),
    address: textOf(info.ip),
    controllerId,
  }
}
