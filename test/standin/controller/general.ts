import { isIP } from 'node:net'
import { fieldsOf } from '../protocol/messages.ts'
import type { DataVolume } from './data.ts'
import { BodyError } from './json-body.ts'

/** The part of the controller's general settings that says which address devices and guests are told. */
export interface GeneralSettings {
  readonly deviceManage: { readonly deviceHostEnable: boolean; readonly deviceHost: string }
  readonly webPort: { readonly hostName: string; readonly autoPortalIpEnable: boolean }
}

const file = 'db/general.json'
const standard: GeneralSettings = {
  deviceManage: { deviceHostEnable: false, deviceHost: '' },
  webPort: { hostName: '', autoPortalIpEnable: true },
}

/** The general settings, kept in the data. Unset, both hosts are inferred from the controller's only interface. */
export class General {
  readonly #data: DataVolume
  readonly #address: string

  constructor(o: { data: DataVolume; address: string }) {
    this.#data = o.data
    this.#address = o.address
  }

  get(): GeneralSettings {
    return this.#data.readJson<GeneralSettings>(file) ?? standard
  }

  /** What adopted devices are told: in a container on a bridge, unless it is set, the container's own address. */
  deviceHost(): string {
    const { deviceHostEnable, deviceHost } = this.get().deviceManage
    return deviceHostEnable && deviceHost !== '' ? deviceHost : this.#address
  }

  /** Where guests are sent. */
  portalHost(): string {
    const { autoPortalIpEnable, hostName } = this.get().webPort
    return autoPortalIpEnable || hostName === '' ? this.#address : hostName
  }

  /** Takes over what is named and keeps the rest. @throws BodyError 400 that names the setting; nothing is changed then */
  change(body: Readonly<Record<string, unknown>>): GeneralSettings {
    const before = this.get()
    const [device, web] = [fieldsOf(body.deviceManage), fieldsOf(body.webPort)]
    const { deviceHostEnable, deviceHost } = before.deviceManage
    const { hostName, autoPortalIpEnable } = before.webPort
    const after: GeneralSettings = {
      deviceManage: {
        deviceHostEnable: flag(device, 'deviceHostEnable', deviceHostEnable),
        deviceHost: address(device, 'deviceHost', deviceHost),
      },
      webPort: {
        hostName: address(web, 'hostName', hostName),
        autoPortalIpEnable: flag(web, 'autoPortalIpEnable', autoPortalIpEnable),
      },
    }
    this.#data.write(file, JSON.stringify(after))
    return after
  }
}

function flag(fields: Readonly<Record<string, unknown>>, key: string, before: boolean): boolean {
  const value = fields[key] ?? before
  if (typeof value !== 'boolean') throw new BodyError(400, `${key} is neither true nor false`)
  return value
}

/** An IP address, not a name. Source: the two third parties that measured it (omada-northbound's `general`). */
function address(fields: Readonly<Record<string, unknown>>, key: string, before: string): string {
  const value = fields[key] ?? before
  if (typeof value !== 'string' || (value !== '' && isIP(value) === 0)) {
    throw new BodyError(400, `${key} is not an IP address`)
  }
  return value
}
