import { ApplianceError, messageOf } from '../../core/errors.ts'
import { parseObject } from '../../core/text.ts'
import { readSmallFile } from '../../linux/small-file.ts'
import { parseImageReference } from '../../omada/image-reference.ts'
import type { RegistryLogin } from '../engine/engine.ts'
import { howToLogIn } from '../engine/registry-fault.ts'

/** A file with a login for each of many registries has a few kilobytes. */
const maxBytes = 262_144

/** Under what `docker login` and `podman login` keep a login to Docker Hub. */
const dockerHub = ['docker.io', 'index.docker.io', 'https://index.docker.io/v1/', 'registry-1.docker.io']

/**
 * The login that a file in the format of Docker's config.json, which is Podman's auth.json (containers-auth.json(5)), has
 * for an image or a repository: the one of the longest name that it lies in. Undefined where it has none. Only what stands
 * in the file counts: a credential helper is a program that the user's shell has and this service has not.
 * @throws ApplianceError REGISTRY_LOGIN when the file cannot be used, naming the helper that it wants
 */
export async function registryLogin(path: string, reference: string): Promise<RegistryLogin | undefined> {
  const image = parseImageReference(reference)
  if (image === undefined) return undefined
  const file = parseObject(await readFile(path, image.registry))
  if (file === undefined) throw unusable(path, 'it is not JSON', image.registry)
  const names = namesOf(image.registry, image.repository)
  const auths = new Map(Object.entries(file.auths ?? {}))
  for (const name of names) {
    const helper = Reflect.get(Object(file.credHelpers), name)
    if (typeof helper === 'string') throw unusable(path, `it leaves ${name} to the credential helper ${helper}`, name)
    if (!auths.has(name)) continue
    const login = loginIn(auths.get(name), name)
    if (login !== undefined) return login
    if (typeof file.credsStore === 'string') {
      throw unusable(path, `it leaves ${name} to the credential helper ${file.credsStore}`, name)
    }
    throw unusable(path, `its login for ${name} has no user and password`, name)
  }
  if (typeof file.credsStore !== 'string') return undefined
  throw unusable(path, `it leaves every login to the credential helper ${file.credsStore}`, image.registry)
}

/** Every name that may hold the login, the longest first: the repository, what it lies in, the registry. */
function namesOf(registry: string, repository: string): readonly string[] {
  const parts = `${registry}/${repository}`.split('/')
  const inside = parts.map((_, index) => parts.slice(0, parts.length - index).join('/'))
  const hosts = registry === 'docker.io' ? dockerHub : [registry, `https://${registry}`, `http://${registry}`]
  return [...new Set([...inside, ...hosts])]
}

/** `auth` is base64 of `user:password`; a password may have colons. */
function loginIn(entry: unknown, serveraddress: string): RegistryLogin | undefined {
  const auth: unknown = Reflect.get(Object(entry), 'auth')
  const text = typeof auth === 'string' ? Buffer.from(auth, 'base64').toString() : ''
  const [username = '', ...rest] = text.replace(/\0+$/, '').split(':')
  return username === '' || rest.length === 0 ? undefined : { username, password: rest.join(':'), serveraddress }
}

async function readFile(path: string, registry: string): Promise<string> {
  try {
    return (await readSmallFile(path, maxBytes)).toString('utf8')
  } catch (error) {
    throw unusable(path, `it cannot be read (${messageOf(error)})`, registry)
  }
}

function unusable(path: string, why: string, registry: string): ApplianceError {
  return new ApplianceError({
    code: 'REGISTRY_LOGIN',
    message: `images.authFile ${path} cannot be used: ${why}`,
    remedy: `make one that holds the login itself: ${howToLogIn(registry, 'podman')}; or ${howToLogIn(registry, 'docker')}; it is tried again by itself`,
  })
}
