/** Where the configuration is when no other file is named. It need not exist. */
export const defaultConfigFile = '/etc/omada-host/config.yaml'

/** Every variable of ours starts with this. */
export const variablePrefix = 'OMADA_HOST_'

/** Variables with our prefix that are no configuration keys: they stand for the command line's options. */
export const optionVariables = {
  config: 'OMADA_HOST_CONFIG',
  runtimeDirectory: 'OMADA_HOST_RUNTIME_DIR',
  stateDirectory: 'OMADA_HOST_STATE_DIR',
} as const
