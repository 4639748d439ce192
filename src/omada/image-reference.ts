/** A parsed image reference. `tag` is `latest` when neither a tag nor a digest is given. */
export interface ImageReference {
  readonly registry: string
  readonly repository: string
  readonly tag?: string
  readonly digest?: string
}

/**
 * Parses `[registry/]repository[:tag][@sha256:…]` by the grammar of github.com/distribution/reference; undefined when
 * malformed. Without a registry it is docker.io, as both engines have it.
 */
export function parseImageReference(text: string): ImageReference | undefined {
  if (text.length > 512) return undefined
  const match =
    /^(?:(?<registry>(?:[a-zA-Z0-9-]+(?:\.[a-zA-Z0-9-]+)+|localhost|[a-zA-Z0-9-]+(?=:\d))(?::\d{1,5})?)\/)?(?<repository>[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*)(?::(?<tag>\w[\w.-]{0,127}))?(?:@(?<digest>sha256:[0-9a-f]{64}))?$/.exec(
      text,
    )
  const groups = match?.groups
  if (groups?.repository === undefined) return undefined
  const { registry = 'docker.io', repository, tag, digest } = groups
  return {
    registry,
    repository: registry === 'docker.io' && !repository.includes('/') ? `library/${repository}` : repository,
    ...(tag !== undefined ? { tag } : digest === undefined ? { tag: 'latest' } : {}),
    ...(digest === undefined ? {} : { digest }),
  }
}

export function isImageReference(text: string): boolean {
  return parseImageReference(text) !== undefined
}
