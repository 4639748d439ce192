import type { Architecture } from './node-runtime.ts'

export const packageName = 'omada-host'

/** RFC 2606 keeps this domain from being anybody's: there is no address to write to. */
export const maintainer = 'The omada-host authors <omada-host@example.invalid>'

/** Libraries that the brought along Node.js is linked with, at the oldest versions whose symbols it uses. */
const libraries = ['libc6 (>= 2.28)', 'libgcc-s1 (>= 3.4)', 'libstdc++6 (>= 5)']

/** iproute2: ss(8) tells which service holds a port. nftables: nft(8) sets the fence around the container's network. */
const depends = ['podman | docker.io | docker-ce', 'iproute2', 'nftables', 'openssl', 'systemd', ...libraries]

/** netavark: Podman's network, which Podman itself only recommends. skopeo: the check for newer images. */
const recommends = ['ca-certificates', 'netavark | docker.io | docker-ce', 'skopeo']

/** The package's control file. `installedSize` is in units of 1024 bytes. */
export function controlFile(options: { version: string; architecture: Architecture; installedSize: number }): string {
  return `Package: ${packageName}
Version: ${options.version}
Architecture: ${options.architecture}
Maintainer: ${maintainer}
Installed-Size: ${options.installedSize}
Depends: ${depends.join(', ')}
Recommends: ${recommends.join(', ')}
Section: net
Priority: optional
Description: network appliance that hosts the TP-Link Omada controller
 Pulls and runs the controller's container on a bridge network of its own, lets
 every access point, switch, gateway and phone app on the network find it and
 talk to it, watches whether it really works, down to its database, and shows
 all of that on a web page.
 .
 The controller is a third party's container image, which is not part of this
 package: the service pulls it when it starts for the first time.
`
}

/** The package's changelog in Debian's form. `date` is in seconds since 1970. */
export function changelog(options: { version: string; date: number }): string {
  const date = new Date(options.date * 1000).toUTCString().replace('GMT', '+0000')
  return `${packageName} (${options.version}) unstable; urgency=medium

  * Built from the sources of version ${options.version}.

 -- ${maintainer}  ${date}
`
}
