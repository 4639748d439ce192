import { configSchema } from './schema.ts'

/**
 * What this program chose itself where the configuration says nothing, and that stays as it was chosen at a first start:
 * another image would migrate the controller's data, another network would change the container.
 */
export interface KeptDefaults {
  /** For `controller.image`. */
  readonly image: string
  /** For `network.subnet` and `network.controllerAddress`, where neither is given. */
  readonly subnet: string
  readonly controllerAddress: string
  /** Why it is not the schema's network, for people. */
  readonly because?: string | undefined
}

const { controller, network } = configSchema.parse({})

/** The schema's own. */
export const newestDefaults: KeptDefaults = {
  image: controller.image,
  subnet: network.subnet,
  controllerAddress: network.controllerAddress,
}

/** Of the versions of this program that kept none. */
export const firstDefaults: KeptDefaults = {
  image: 'docker.io/mbentley/omada-controller:6.2',
  subnet: '10.129.81.0/24',
  controllerAddress: '10.129.81.10',
}
