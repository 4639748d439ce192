/** A connection string's parts, as the official drivers split it (mongodb-connection-string-url, the Java driver's ConnectionString). */
const form =
  /^(?<scheme>mongodb(?:\+srv)?:\/\/)(?:(?<login>[^@]*)@)?(?<hosts>[^/?@]+)(?:\/(?<database>[^?]*))?(?:\?(?<options>.*))?$/s

/** What no driver takes unencoded in a user's name or a password. */
const separators = /[:/?#[\]@]/

/**
 * Why a connection string is not one that probe and controller read alike; undefined when they do. Quotes nothing of it.
 * Java's and Node's drivers refuse or split differently what is not percent-encoded; hosts and the database's name are
 * not decoded by all of them, and the image's shell changes what is special to it.
 */
export function databaseUriProblem(uri: string): string | undefined {
  if (uri.split('@').length > 2) return 'there is more than one @ in it: write those that do not end the login as %40'
  const parts = form.exec(uri)?.groups
  if (parts === undefined) return 'it is not of the form mongodb://user:password@host:port/database?options'
  const { login, hosts = '', database = '', options = '' } = parts
  if (!isEncoded(uri)) return 'a % in it is not followed by two hexadecimal digits of UTF-8: write the % itself as %25'
  if (login !== undefined) {
    const [user = '', ...password] = login.split(':')
    if (user === '') return "the user's name before @ is empty"
    if ([user, password.join(':')].some((part) => separators.test(part))) {
      return 'the user or the password has one of : / ? # [ ] @ as it is: write %3A %2F %3F %23 %5B %5D %40'
    }
  }
  if (/[@#]/.test(options)) return 'its options, or a password, have @ or # as it is: write %40 %23'
  if (!/^[A-Za-z0-9.,:_[\]-]+$/.test(hosts)) {
    return 'its hosts may have letters, digits and . , : _ - [ ] only; a socket file of this machine is not in the container'
  }
  return /^[\w-]*$/.test(database) ? undefined : "the database's name may have letters, digits, _ and - only"
}

/**
 * The connection string as the image is given it, for a URI without `databaseUriProblem`: the same to every driver, with all
 * percent-encoded that the entrypoint would change. It passes EAP_MONGOD_URI through `eval echo` and `sed s~…~…~`
 * (setup_environment and update_general_properties of mbentley/docker-omada-controller) and into a Java properties file,
 * so that $, quotes, `;`, `(`, `~` or a backslash are expanded, run, or lost. Java's driver reads + as a space in a login.
 */
export function databaseUriForImage(uri: string): string {
  const parts = form.exec(uri)?.groups
  if (parts === undefined) return uri
  const { scheme, login, hosts, database, options } = parts
  const encodedLogin = login === undefined ? '' : `${encoded(login, /[^A-Za-z0-9._%:-]/gu)}@`
  const path = database === undefined ? '' : `/${database}`
  const query = options === undefined ? '' : `?${encoded(options, /[^A-Za-z0-9._%:=&,/+-]/gu)}`
  return `${scheme}${encodedLogin}${hosts}${path}${query}`
}

/** The hosts of a URI without `databaseUriProblem`, for people. */
export function databaseHosts(uri: string): string {
  return form.exec(uri)?.groups?.hosts ?? 'another machine'
}

function encoded(text: string, special: RegExp): string {
  return text.replace(special, (character) =>
    [...Buffer.from(character)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  )
}

/** Whether every % begins the code of a byte, and the bytes are UTF-8. */
function isEncoded(text: string): boolean {
  try {
    return text.isWellFormed() && decodeURIComponent(text) !== ''
  } catch {
    return false
  }
}
