import manifest from '../../package.json' with { type: 'json' }

/** This program's version, as it goes into labels, the state and `omada-host version`. */
export const applianceVersion: string = manifest.version
