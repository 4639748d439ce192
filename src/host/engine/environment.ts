/**
 * What Podman and skopeo may inherit of our environment: where they look for their configuration, storage and credentials
 * (podman(1), containers-auth.json(5), netavark), and the way to a registry (proxies, and Go's own certificates).
 */
export const containerToolVariables: readonly string[] = [
  'HOME',
  'LANG',
  'TMPDIR',
  'XDG_CONFIG_HOME',
  'XDG_DATA_HOME',
  'XDG_RUNTIME_DIR',
  'CONTAINERS_CONF',
  'CONTAINERS_CONF_OVERRIDE',
  'CONTAINERS_REGISTRIES_CONF',
  'CONTAINERS_REGISTRIES_CONF_DIR',
  'CONTAINERS_STORAGE_CONF',
  'STORAGE_DRIVER',
  'STORAGE_OPTS',
  'NETAVARK_FW',
  'REGISTRY_AUTH_FILE',
  'DOCKER_CONFIG',
  ...['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'NO_PROXY'].flatMap((name) => [name, name.toLowerCase()]),
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
]
