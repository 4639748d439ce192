import { isAbsolute } from 'node:path'
import type Dockerode from 'dockerode'
import type { ContainerSpec, EngineKind, NetworkSpec } from './engine.ts'

/**
 * The body of `POST /containers/create`. Podman 4.3 ignores `Runtime` and calls Docker's `json-file` format `k8s-file`;
 * its API reads logs of that driver, and Docker's API those of `json-file`.
 */
export function containerOptions(spec: ContainerSpec, kind: EngineKind): Dockerode.ContainerCreateOptions {
  return {
    name: spec.name,
    Image: spec.image,
    Env: Object.entries(spec.environment).map(([name, value]) => `${name}=${value}`),
    Labels: { ...spec.labels },
    // The image's own check asks /login, which answers even when the database is dead.
    Healthcheck: { Test: ['NONE'] },
    StopSignal: 'SIGTERM',
    StopTimeout: Math.ceil(spec.stopTimeoutSeconds),
    HostConfig: {
      // Not Binds: of those Docker makes a directory that is missing, and an empty controller starts in it. Podman makes it
      // of these as well (pkg/api/handlers/compat/containers_create.go): `observe.ts` looks before.
      Mounts: spec.mounts.map(({ source, target, readOnly }) => ({
        Type: isAbsolute(source) ? 'bind' : 'volume',
        Source: source,
        Target: target,
        ReadOnly: readOnly,
      })),
      NetworkMode: spec.network,
      RestartPolicy: { Name: 'no' },
      Ulimits: Object.entries(spec.ulimits).map(([name, { soft, hard }]) => ({ Name: name, Soft: soft, Hard: hard })),
      LogConfig: {
        Type: kind === 'podman' ? 'k8s-file' : 'json-file',
        Config: { 'max-size': `${spec.logMegabytes}m` },
      },
      CapDrop: ['ALL'],
      CapAdd: [...spec.capabilities],
      SecurityOpt: ['no-new-privileges'],
      Sysctls: { ...spec.kernelSettings },
      ...(spec.processLimit === undefined ? {} : { PidsLimit: spec.processLimit }),
      ...(spec.init ? { Init: true } : {}),
      ...(spec.nameServers === undefined ? {} : { Dns: [...spec.nameServers] }),
      ...(spec.memoryMegabytes === undefined ? {} : { Memory: spec.memoryMegabytes * 1024 * 1024 }),
      ...(spec.cpus === undefined ? {} : { NanoCpus: Math.round(spec.cpus * 1e9) }),
      ...(spec.runtime === undefined ? {} : { Runtime: spec.runtime }),
    },
    NetworkingConfig: {
      EndpointsConfig: { [spec.network]: { IPAMConfig: { IPv4Address: spec.address } } },
    },
  }
}

/** The body of Docker's `POST /networks/create`. */
export function networkOptions(spec: NetworkSpec): Dockerode.NetworkCreateOptions {
  return {
    Name: spec.name,
    Driver: 'bridge',
    IPAM: { Config: [{ Subnet: spec.subnet }] },
    Labels: { ...spec.labels },
    Options: { 'com.docker.network.bridge.name': spec.bridge },
  }
}

/** The body of Podman's `POST /libpod/networks/create`: by Docker's API it makes no network without a name server. */
export function libpodNetworkOptions(spec: NetworkSpec): object {
  return {
    name: spec.name,
    driver: 'bridge',
    network_interface: spec.bridge,
    subnets: [{ subnet: spec.subnet }],
    labels: { ...spec.labels },
    dns_enabled: spec.nameServer,
  }
}
